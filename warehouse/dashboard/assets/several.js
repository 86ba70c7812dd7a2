/* Costs, batteries, cars, and reliability of several sites: added up where a sum means something, and beside each other. */
"use strict";

(() => {
  const { number, isKnown, sum, has, plural, words, tip, table, frame, legend, valueAxis, monthAxis, longMonthYear } = wattlog;
  const COLOURS = ["accent", "solar", "battery", "home", "import", "car", "export", "charge", "generator", "strong"];
  const MOST_LINES = 20;

  /* View → its measures: name, text, digits, and whether sites are added up; `alone` says what is shown of one site only. */
  const KINDS = {
    costs: {
      measures: [
        ["net_cost", "To pay", 2, true],
        ["import_cost", "Import cost", 2, true],
        ["export_credit", "Export credit", 2, true],
        ["saved_by_solar", "Saved by solar", 2, true],
        ["saved_by_battery", "Saved by battery", 2, true],
        ["bills", "Bills", 0, true],
        ["known_bills", "of which known", 0, true],
      ],
      alone: "Bills one by one, labels, and what-if belong to one tariff: pick one site to see them.",
    },
    battery: {
      measures: [
        ["charge", "Charge, kWh", 1, true],
        ["discharge", "Discharge, kWh", 1, true],
        ["cycles", "Full cycles", 1, false],
        ["efficiency", "Round trip, %", 1, false],
        ["capacity", "Capacity, kWh", 2, false],
        ["of_nameplate", "Of rated energy, %", 1, false],
      ],
      alone: "Cycles, efficiency, and capacity belong to one battery each, so they are compared and not added up.",
    },
    cars: {
      measures: [
        ["ev", "Cars, kWh", 1, true],
        ["sessions", "Sessions", 0, true],
        ["hours", "Hours", 1, true],
      ],
      alone: "Pick one site to see its sessions one by one.",
    },
    trust: {
      measures: [
        ...wattlog.STATUS.map((status) => [status, `Days ${words(status)}`, 0, true]),
        ["differences", "Differences", 0, true],
        ["unexplained", "Unexplained", 0, true],
        ["gaps", "Gaps", 0, true],
      ],
      alone: "Differences and gaps one by one, and months beside Tesla's figures, are shown of one site: pick one.",
    },
  };

  /** What the sections show. Sites with several currencies are several rows, whose amounts are not added up. */
  function prepare(kind, found, sites, year, how) {
    const names = new Map(sites.map((site) => [site.site_id, site.shown]));
    const currencies = new Set(found.rows.map((row) => row.currency).filter(isKnown));
    const groups = new Map();
    for (const row of found.rows) {
      const key = `${row.site_id} ${row.currency ?? ""}`;
      if (!groups.has(key)) {
        const name = names.get(row.site_id) ?? row.site_id;
        groups.set(key, { name: currencies.size > 1 ? `${name}, ${row.currency}` : name, rows: [] });
      }
      groups.get(key).rows.push(row);
    }
    const months = [...new Set(found.rows.map((row) => row.period).filter((period) => period.length === 7))].sort();
    return { ...KINDS[kind], groups: [...groups.values()], months, currencies: [...currencies], isSum: how !== "compare" && currencies.size < 2, year };
  }

  const monthly = (group, name) => group.rows.filter((row) => row.period.length === 7).map((row) => row[name]);
  /** The figure of a year: a sum of months, or what the server gives for the year. */
  const ofYear = (group, [name, , , isAdded]) =>
    isAdded ? sum(monthly(group, name)) : (group.rows.find((row) => row.period.length === 4)?.[name] ?? null);
  const ofMonth = (group, name, month) => group.rows.find((row) => row.period === month)?.[name] ?? null;
  const offered = (view) => view.measures.filter(([name, , , isAdded]) => (isAdded || !view.isSum) && view.groups.some((group) => has(monthly(group, name))));
  const measureOf = (view, chosen) => view.measures.find(([name]) => name === chosen);
  const unitOf = (view, [name, text]) => (view.currencies.length === 1 && !name.endsWith("bills") ? `${text}, ${view.currencies[0]}` : text);

  const chart = {
    id: "sites-by-month",
    title: "Month by month",
    tall: true,
    isEmpty: (view) => !offered(view).length,
    controls: (view) => [["measure", "Show", offered(view).map(([name, text]) => [name, text])]],
    summary(view, { measure }) {
      if (!measure) return `Nothing is known of these sites in ${view.year}.`;
      const found = measureOf(view, measure);
      const what = view.isSum ? `of ${plural(view.groups.length, "site")} together` : "beside each other";
      const part = !view.isSum && view.groups.length > MOST_LINES ? ` The chart has the first ${MOST_LINES}, the table all.` : "";
      const currencies = view.currencies.length > 1 ? " Amounts in several currencies are not added up." : "";
      return `${unitOf(view, found)}, ${what}.${part}${currencies}`;
    },
    option(view, theme, { measure }, size) {
      const found = measureOf(view, measure);
      const groups = view.isSum ? [{ name: found[1] }] : view.groups.slice(0, MOST_LINES);
      const valueOf = (group, month) => (view.isSum ? sum(view.groups.map((one) => ofMonth(one, measure, month))) : ofMonth(group, measure, month));
      const isBars = view.isSum || groups.length <= 4;
      return frame(theme, size, {
        legend: legend(theme, size, { type: "scroll" }),
        xAxis: monthAxis(theme, view.months),
        yAxis: valueAxis(theme, unitOf(view, found), isBars ? {} : { scale: true }),
        tooltip: {
          trigger: "axis",
          formatter: (params) =>
            tip(longMonthYear(params[0].name), params.map((param) => [param.seriesName, number(param.value ?? null, found[2]), param.color])),
        },
        series: groups.map((group, at) => ({
          name: group.name,
          type: isBars ? "bar" : "line",
          barMaxWidth: 26,
          symbolSize: 6,
          itemStyle: { color: theme[COLOURS[at % COLOURS.length]] },
          data: view.months.map((month) => valueOf(group, month)),
        })),
      });
    },
    table(view, { measure }) {
      const found = measureOf(view, measure);
      return table(
        `${unitOf(view, found)} by month`,
        ["Month", ...view.groups.map((group) => group.name)],
        view.months.map((month) => [longMonthYear(month), ...view.groups.map((group) => number(ofMonth(group, measure, month), found[2]))]),
        { foot: ["Year", ...view.groups.map((group) => number(ofYear(group, found), found[2]))] },
      );
    },
  };

  const bySite = {
    id: "by-site",
    title: "Site by site",
    isTable: true,
    isEmpty: (view) => !view.groups.length,
    summary: (view) => `The year ${view.year} of each site, and of all together where a sum means something.`,
    table(view) {
      const canAdd = view.currencies.length < 2;
      return table(
        "Each site's year",
        ["Site", ...view.measures.map((found) => unitOf(view, found))],
        view.groups.map((group) => [group.name, ...view.measures.map((found) => number(ofYear(group, found), found[2]))]),
        {
          foot: [
            "All",
            ...view.measures.map((found) => (found[3] && canAdd ? number(sum(view.groups.map((group) => ofYear(group, found))), found[2]) : "–")),
          ],
        },
      );
    },
  };

  /** The sums of all sites as tiles; none of what is not added up. */
  const tiles = (view) =>
    view.currencies.length > 1
      ? []
      : view.measures
          .filter(([name, , , isAdded]) => isAdded && view.groups.some((group) => has(monthly(group, name))))
          .slice(0, 6)
          .map((found) => [unitOf(view, found), number(sum(view.groups.map((group) => ofYear(group, found))), found[2]), "", "strong"]);

  /* ---- one day ---- */
  const POWERS = { home: "Home", solar: "Solar", grid: "Grid", battery: "Battery" };
  const dayCompared = {
    id: "power-compared",
    title: "Power of each site",
    tall: true,
    isEmpty: (view) => !view.days.some(({ shown }) => shown.power.minute.length),
    controls: (view) => [["measure", "Show", Object.entries(POWERS).filter(([name]) => view.days.some(({ shown }) => has(shown.power[name])))]],
    summary(view, { measure }) {
      if (!measure) return "No power is stored for this day.";
      const rest = view.sites > view.days.length ? ` Of ${plural(view.sites, "site")} the first ${view.days.length} are shown.` : "";
      return `${POWERS[measure]} of ${plural(view.days.length, "site")}, each on its own clock.${rest}`;
    },
    option(view, theme, { measure }, size) {
      const longest = view.days.reduce((one, other) => (other.shown.minutes > one.shown.minutes ? other : one)).shown;
      return frame(theme, size, {
        legend: legend(theme, size, { type: "scroll" }),
        xAxis: wattlog.timeAxis(theme, size, longest),
        yAxis: valueAxis(theme, "kW"),
        tooltip: wattlog.powerTip(longest),
        series: view.days.map(({ name, shown }, at) => ({
          name,
          type: "line",
          symbol: "none",
          itemStyle: { color: theme[COLOURS[at % COLOURS.length]] },
          data: shown.power.minute.map((minute, place) => [minute, isKnown(shown.power[measure][place]) ? shown.power[measure][place] / 1000 : null]),
        })),
      });
    },
    table(view, { measure }) {
      const minutes = [...new Set(view.days.flatMap(({ shown }) => shown.power.minute))].sort((one, other) => one - other);
      const columns = view.days.map(({ shown }) => new Map(shown.power.minute.map((minute, at) => [minute, shown.power[measure][at]])));
      const longest = view.days.reduce((one, other) => (other.shown.minutes > one.shown.minutes ? other : one)).shown;
      return table(
        `${POWERS[measure]}, kW`,
        ["From", ...view.days.map(({ name }) => `${name}, kW`)],
        minutes.map((minute) => [
          wattlog.clockAt(longest, minute),
          ...columns.map((values) => number(isKnown(values.get(minute)) ? values.get(minute) / 1000 : null, 3)),
        ]),
      );
    },
  };

  wattlog.several = { prepare, specs: [chart, bySite], tiles, dayCompared, MOST_LINES };
})();
