/* Energy of any range of days, by hours, days, or months; of one site, of several together, or beside each other. */
"use strict";

(() => {
  const { number, kwh, toKwh, isKnown, has, sum, extremes, plural, tip, table, frame, legend, valueAxis, dayAxis, fullDay, day, time, longMonthYear } =
    wattlog;
  const { STACKS, VERBS, stacksOf, stackOption } = wattlog;
  const COLOURS = ["accent", "solar", "battery", "home", "import", "car", "export", "charge", "generator", "strong"];
  const MOST_NAMED = 12;
  const UNITS = { hour: "kWh an hour", day: "kWh a day", month: "kWh a month" };

  /** The time of an hour; the second of two with the same name is marked. */
  const timeOf = (period) => time(period.slice(11, 16)) + period.slice(16);

  function nameOf(by, period) {
    if (by === "month") return longMonthYear(period);
    if (by === "day") return fullDay(period);
    return `${day(period)}, ${timeOf(period)}`;
  }

  /** What stacks need to decide which of them there are; `found` is the answer about a range. */
  function prepare(found, sites) {
    const [first] = found.series;
    const total = Object.fromEntries(Object.entries(first ?? {}).filter(([name]) => name !== "site_id").map(([name, values]) => [name, toKwh(sum(values))]));
    return {
      ...found,
      sites,
      names: new Map(sites.map((site) => [site.site_id, site.shown])),
      total,
      hasFlows: isKnown(total.home),
      site: { has_solar: sites.some((site) => site.has_solar), has_battery: sites.some((site) => site.has_battery) },
    };
  }

  function axisOf(view, theme, size) {
    if (view.by === "day") return dayAxis(theme, size, view.periods);
    const step = Math.max(1, Math.ceil(view.periods.length / (size.narrow ? 4 : 8)));
    return {
      type: "category",
      data: view.periods,
      axisTick: { show: false },
      axisLine: { lineStyle: { color: theme.strong } },
      axisLabel: {
        color: theme.muted,
        hideOverlap: true,
        interval: (at) => at % step === 0,
        formatter: (period) => (view.by === "month" ? wattlog.monthYear(period) : view.periods.length <= 48 ? timeOf(period) : day(period)),
      },
    };
  }

  const partsOf = (view) => (view.series[0]?.stored ?? []).map((stored) => stored === 0);

  const stacked = (id, title) => ({
    id,
    title,
    tall: true,
    isEmpty: (view) => !view.periods.length || !stacksOf(view).length,
    controls: (view) => [["stack", "Show", stacksOf(view).map((name) => [name, STACKS[name][0]])]],
    summary(view, { stack }) {
      if (!stack || !view.periods.length) return "No energy is known in this range.";
      const [series] = view.series;
      const values = series[STACKS[stack][1]];
      const found = extremes(values);
      if (!found) return "No energy is known in this range.";
      const missing = partsOf(view).filter(Boolean).length;
      const many = view.sites.length > 1 ? ` of ${plural(view.sites.length, "site")} together` : "";
      return (
        `${VERBS[stack]} ${kwh(toKwh(sum(values)))}${many} in ${plural(values.filter(isKnown).length, view.by)}; the highest is ` +
        `${nameOf(view.by, view.periods[found.most])} (${kwh(toKwh(values[found.most]))}).` +
        (missing ? ` ${plural(missing, view.by)} without whole data ${missing === 1 ? "is" : "are"} shaded.` : "")
      );
    },
    option(view, theme, { stack }, size) {
      const [series] = view.series;
      return stackOption(theme, size, {
        stack,
        valuesOf: (name) => series[name] ?? view.periods.map(() => null),
        axis: axisOf(view, theme, size),
        unit: UNITS[view.by],
        heading: (at) => nameOf(view.by, view.periods[at]),
        more: () => [],
        isMissing: partsOf(view),
      });
    },
    table(view, { stack }) {
      const [series] = view.series;
      const parts = STACKS[stack][2];
      const all = [STACKS[stack][1], ...parts.map(([name]) => name)];
      return table(
        STACKS[stack][0],
        [view.by[0].toUpperCase() + view.by.slice(1), "Total, kWh", ...parts.map(([, name]) => `${name}, kWh`)],
        view.periods.map((period, at) => [
          nameOf(view.by, period),
          ...all.map((name) => number(toKwh(series[name]?.[at] ?? null), 2)),
        ]),
        { foot: ["All", ...all.map((name) => number(toKwh(sum(series[name] ?? [])), 2))] },
      );
    },
  });

  const MEASURES = {
    home: "Home",
    solar: "Solar",
    grid_import: "From the grid",
    grid_export: "To the grid",
    battery_discharge: "From the battery",
  };
  const nameOfSite = (view, { site_id: id }) => view.names.get(id) ?? id;

  /** Whether there are more sites than one chart can show. */
  const isMany = (view) => view.totals.length > view.series.length;

  const compared = {
    id: "range-compared",
    title: "Sites beside each other",
    tall: true,
    isEmpty: (view) => !view.periods.length,
    controls: (view) => [
      [
        "measure",
        "Show",
        Object.entries(MEASURES).filter(([name]) => view.series.some((series) => has(series[name]))),
      ],
    ],
    summary(view, { measure }) {
      if (!measure) return "No energy is known in this range.";
      const totals = view.totals.slice(0, MOST_NAMED).map((row) => `${nameOfSite(view, row)} ${kwh(toKwh(row[measure]))}`);
      const rest = view.totals.length > MOST_NAMED ? `, and ${plural(view.totals.length - MOST_NAMED, "other")}` : "";
      const isPart = isMany(view) ? ` The chart has the first ${view.series.length} sites, the table the sums of all, and the CSV file everything.` : "";
      return `${MEASURES[measure]} by ${view.by}: ${totals.join(", ")}${rest}.${isPart}`;
    },
    option(view, theme, { measure }, size) {
      const isBars = view.periods.length <= 31 && view.series.length <= 4;
      return frame(theme, size, {
        legend: legend(theme, size, { type: "scroll" }),
        xAxis: axisOf(view, theme, size),
        yAxis: valueAxis(theme, UNITS[view.by]),
        tooltip: {
          trigger: "axis",
          formatter: (params) =>
            tip(nameOf(view.by, params[0].name), params.slice(0, 12).map((param) => [param.seriesName, kwh(param.value ?? null), param.color])),
        },
        series: view.series.map((series, at) => ({
          name: nameOfSite(view, series),
          type: isBars ? "bar" : "line",
          barMaxWidth: 26,
          symbol: "none",
          itemStyle: { color: theme[COLOURS[at % COLOURS.length]] },
          data: series[measure].map(toKwh),
        })),
      });
    },
    table(view, { measure }) {
      if (isMany(view))
        return table(
          "Sums of each site, kWh",
          ["Site", ...Object.values(MEASURES).map((text) => `${text}, kWh`)],
          view.totals.map((row) => [nameOfSite(view, row), ...Object.keys(MEASURES).map((name) => number(toKwh(row[name]), 2))]),
          { foot: ["All", ...Object.keys(MEASURES).map((name) => number(toKwh(sum(view.totals.map((row) => row[name]))), 2))] },
        );
      return table(
        `${MEASURES[measure]}, kWh`,
        [view.by[0].toUpperCase() + view.by.slice(1), ...view.series.map((series) => `${nameOfSite(view, series)}, kWh`)],
        view.periods.map((period, at) => [
          nameOf(view.by, period),
          ...view.series.map((series) => number(toKwh(series[measure][at]), 2)),
        ]),
        { foot: ["All", ...view.series.map((series) => number(toKwh(sum(series[measure])), 2))] },
      );
    },
  };

  wattlog.rangeCharts = { stacked, compared };
  wattlog.prepareRange = prepare;
})();
