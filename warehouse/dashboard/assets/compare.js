/* Years beside each other, and their records. */
"use strict";

(() => {
  const { number, kwh, toKwh, isKnown, sum, tip, table, frame, legend, valueAxis, fullDay, day, dayNumber, dayText, MONTHS, plural } =
    wattlog;

  const MEASURES = {
    solar: ["Solar", "solar"],
    home: ["Home", "home"],
    grid_import: ["From the grid", "import"],
    grid_export: ["To the grid", "export"],
    battery_discharge: ["From the battery", "battery"],
  };
  const measuresOf = (view) => Object.keys(MEASURES).filter((name) => view.days[name]?.some((value) => value > 0));
  const controls = (view) => [["measure", "Show", measuresOf(view).map((name) => [name, MEASURES[name][0]])]];
  const COLOURS = ["accent", "solar", "battery", "home", "import", "car", "export", "charge", "generator", "strong"];

  /** Days with their dates, and sums of them by month. */
  function prepare(found) {
    const begin = dayNumber(found.first_day);
    const dates = (found.days.stored ?? []).map((_, at) => dayText(begin + at));
    const years = [...new Set(dates.map((date) => date.slice(0, 4)))];
    return { ...found, dates, years };
  }

  function byMonth(view, measure) {
    const found = new Map(view.years.map((year) => [year, Array.from({ length: 12 }, () => [])]));
    view.dates.forEach((date, at) => found.get(date.slice(0, 4))[Number(date.slice(5, 7)) - 1].push(view.days[measure][at]));
    return new Map([...found].map(([year, months]) => [year, months.map((values) => toKwh(sum(values)))]));
  }

  const yearsText = (view) => plural(view.years.length, "year");
  const colourOf = (theme, at) => theme[COLOURS[at % COLOURS.length]];

  const months = {
    id: "months-of-years",
    title: "Months of each year",
    tall: true,
    isEmpty: (view) => !measuresOf(view).length,
    controls,
    summary(view, { measure }) {
      if (!measure) return "No energy is known.";
      const totals = [...byMonth(view, measure)].map(([year, values]) => `${year} ${kwh(sum(values))}`);
      return `${MEASURES[measure][0]} by month, ${yearsText(view)}: ${totals.join(", ")}.`;
    },
    option(view, theme, { measure }, size) {
      const found = byMonth(view, measure);
      return frame(theme, size, {
        legend: legend(theme, size),
        xAxis: {
          type: "category",
          data: MONTHS,
          axisLabel: { color: theme.muted, hideOverlap: true },
          axisTick: { show: false },
          axisLine: { lineStyle: { color: theme.strong } },
        },
        yAxis: valueAxis(theme, "kWh a month"),
        tooltip: {
          trigger: "axis",
          formatter: (params) =>
            tip(params[0].name, params.map((param) => [param.seriesName, kwh(param.value ?? null), param.color])),
        },
        series: [...found].map(([year, values], at) => ({
          name: year,
          type: "bar",
          barMaxWidth: 26,
          barGap: "8%",
          itemStyle: { color: colourOf(theme, at) },
          data: values,
        })),
      });
    },
    table(view, { measure }) {
      const found = byMonth(view, measure);
      return table(
        `${MEASURES[measure][0]} by month, kWh`,
        ["Month", ...view.years.map((year) => `${year}, kWh`)],
        MONTHS.map((name, at) => [name, ...view.years.map((year) => number(found.get(year)[at], 2))]),
        { foot: ["Year", ...view.years.map((year) => number(sum(found.get(year)), 2))] },
      );
    },
  };

  /** The sum from the first of January to each day; a day without a value does not end the line, and adds nothing. */
  function cumulative(view, measure, year) {
    let total = 0;
    const made = [];
    view.dates.forEach((date, at) => {
      if (date.slice(0, 4) !== year) return;
      const value = view.days[measure][at];
      if (isKnown(value)) total += value;
      made.push([dayNumber(`2024-${date.slice(5)}`), toKwh(total), date]);
    });
    return made;
  }

  const lines = {
    id: "cumulative",
    title: "Each year so far",
    tall: true,
    isEmpty: (view) => !measuresOf(view).length,
    controls,
    summary(view, { measure }) {
      if (!measure) return "No energy is known.";
      const missing = view.days.stored.filter((stored) => !stored).length;
      return (
        `${MEASURES[measure][0]}, added up from the first of January.` +
        (missing ? ` ${plural(missing, "day")} of all years without data ${missing === 1 ? "adds" : "add"} nothing.` : "")
      );
    },
    option(view, theme, { measure }, size) {
      return frame(theme, size, {
        legend: legend(theme, size),
        xAxis: {
          type: "value",
          min: dayNumber("2024-01-01"),
          max: dayNumber("2024-12-31"),
          interval: size.narrow ? 91.25 : 30.42,
          axisLabel: { color: theme.muted, hideOverlap: true, formatter: (at) => MONTHS[Number(dayText(Math.round(at + 3)).slice(5, 7)) - 1] },
          axisLine: { lineStyle: { color: theme.strong } },
          splitLine: { show: false },
        },
        yAxis: valueAxis(theme, "kWh"),
        tooltip: {
          trigger: "axis",
          axisPointer: { type: "line" },
          formatter: (params) =>
            tip(day(dayText(params[0].value[0])), params.map((param) => [param.seriesName, kwh(param.value[1]), param.color])),
        },
        series: view.years.map((year, at) => ({
          name: year,
          type: "line",
          symbol: "none",
          itemStyle: { color: colourOf(theme, at) },
          lineStyle: { width: 2, color: colourOf(theme, at) },
          data: cumulative(view, measure, year),
        })),
      });
    },
    table(view, { measure }) {
      const ends = (year) => {
        const made = cumulative(view, measure, year);
        return MONTHS.map((_, at) => made.filter(([, , date]) => Number(date.slice(5, 7)) === at + 1).at(-1)?.[1] ?? null);
      };
      const columns = view.years.map(ends);
      return table(
        `${MEASURES[measure][0]} from January to the end of each month, kWh`,
        ["To the end of", ...view.years.map((year) => `${year}, kWh`)],
        MONTHS.map((name, at) => [name, ...columns.map((values) => number(values[at], 2))]),
      );
    },
  };

  const records = {
    id: "records",
    title: "Records",
    isTable: true,
    isEmpty: (view) => !measuresOf(view).length,
    summary: () => "The highest and the lowest day of each, and the highest month. The newest day may not be over, and is not counted as the lowest.",
    table(view) {
      return table(
        "Records",
        ["Energy", "Highest day", "kWh", "Lowest day", "kWh", "Highest month", "kWh"],
        measuresOf(view).map((name) => {
          const values = view.days[name];
          const found = { most: wattlog.extremes(values).most, least: wattlog.extremes(values.slice(0, -1))?.least };
          const all = [...byMonth(view, name)].flatMap(([year, values]) => values.map((value, at) => [value, wattlog.monthYear(`${year}-${String(at + 1).padStart(2, "0")}`)]));
          const [most, month] = all.filter(([value]) => isKnown(value)).sort((one, other) => other[0] - one[0])[0];
          const hasLeast = isKnown(found.least);
          return [
            MEASURES[name][0],
            fullDay(view.dates[found.most]),
            number(toKwh(values[found.most]), 2),
            hasLeast ? fullDay(view.dates[found.least]) : "–",
            hasLeast ? number(toKwh(values[found.least]), 2) : "–",
            month,
            number(most, 2),
          ];
        }),
        { text: [1, 3, 5] },
      );
    },
  };

  wattlog.yearCharts = [months, lines, records];
  wattlog.prepareYears = prepare;
})();
