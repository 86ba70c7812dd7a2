/* The battery's use and efficiency, by month and year. */
"use strict";

(() => {
  const { number, pct, isKnown, sum, tip, table, frame, legend, valueAxis, monthAxis, plural, monthYear, longMonthYear } = wattlog;

  const monthsOf = (view) => view.cycles.filter((row) => row.granularity === "month" && row.period.startsWith(String(view.year)));
  const yearsOf = (view) => view.cycles.filter((row) => row.granularity === "year");

  const cycles = {
    id: "cycles",
    title: "Cycles and efficiency",
    half: true,
    tall: true,
    isEmpty: (view) => !monthsOf(view).length,
    summary(view) {
      const rows = monthsOf(view);
      if (!rows.length) return "No use of a battery is known in this year.";
      const total = sum(rows.map((row) => row.cycles));
      const [year] = yearsOf(view).filter((row) => row.period.startsWith(String(view.year)));
      const efficiency = isKnown(year?.efficiency) ? ` Round trip of the year: ${pct(year.efficiency)}.` : "";
      return `${isKnown(total) ? plural(Math.round(total), "equivalent full cycle") : "An unknown number of cycles"} in ${view.year}.${efficiency}`;
    },
    option(view, theme, _, size) {
      const rows = monthsOf(view);
      return frame(theme, size, {
        legend: legend(theme, size),
        xAxis: monthAxis(theme, rows.map((row) => row.period)),
        yAxis: [
          valueAxis(theme, "cycles"),
          valueAxis(theme, "%", { min: (value) => Math.min(80, Math.floor(value.min / 5) * 5), max: 100, splitLine: { show: false }, position: "right" }),
        ],
        tooltip: {
          trigger: "axis",
          formatter: (params) => {
            const row = rows[params[0].dataIndex];
            return tip(longMonthYear(row.period), [
              ["full cycles", number(row.cycles, 1), theme.battery],
              ["round trip", isKnown(row.efficiency) ? pct(row.efficiency) : "not known", theme.accent],
            ]);
          },
        },
        series: [
          { name: "full cycles", type: "bar", barMaxWidth: 36, itemStyle: { color: theme.battery }, data: rows.map((row) => row.cycles) },
          {
            name: "round trip",
            type: "line",
            yAxisIndex: 1,
            symbolSize: 7,
            itemStyle: { color: theme.accent },
            data: rows.map((row) => row.efficiency),
          },
        ],
      });
    },
    table: (view) =>
      table(
        "Cycles and efficiency by month",
        ["Month", "Charge, kWh", "Discharge, kWh", "Full cycles", "Round trip, %"],
        monthsOf(view).map((row) => [longMonthYear(row.period), number(row.charge, 2), number(row.discharge, 2), number(row.cycles, 2), number(row.efficiency, 1)]),
      ),
  };

  const byYear = {
    id: "battery-years",
    title: "Battery by year",
    isTable: true,
    isEmpty: (view) => !yearsOf(view).length,
    summary: () => "Energy in and out, full cycles of the rated energy, and round-trip efficiency of each year.",
    table: (view) =>
      table(
        "Battery by year",
        ["Year", "Charge, kWh", "Discharge, kWh", "Full cycles", "Round trip, %"],
        yearsOf(view).map((row) => [row.period.slice(0, 4), number(row.charge, 1), number(row.discharge, 1), number(row.cycles, 1), number(row.efficiency, 1)]),
      ),
  };

  const health = {
    id: "capacity",
    title: "Capacity",
    tall: true,
    isEmpty: (view) => !view.lists.health.length,
    summary(view) {
      const known = view.lists.health.filter((row) => isKnown(row.capacity));
      const live = view.lists.health.filter((row) => isKnown(row.live)).at(-1);
      const last = known.at(-1);
      if (!last && !live) return "There are too few discharges, and no reading of live status, to know the battery's capacity.";
      const now = last
        ? `In ${longMonthYear(last.month)} the full battery gave ${number(last.capacity, 2)} kWh ` +
          `(${number(last.low, 2)} to ${number(last.high, 2)})` +
          `${isKnown(last.of_nameplate) ? `, ${pct(last.of_nameplate)} of its rated energy` : ""}` +
          ` and ${pct(last.of_first_year)} of what it gave in its first year. `
        : "";
      const reading = live ? `Live status gave ${number(live.live, 2)} kWh in ${longMonthYear(live.month)}. ` : "";
      return `${now}${reading}All stored months; bars are the interval that has the capacity in 95 of 100 months.`;
    },
    option(view, theme, _, size) {
      const rows = view.lists.health;
      const at = (name) => rows.map((row) => row[name]);
      const nameplate = rows.at(-1)?.nameplate;
      const bar = (params, api) => {
        if (!isKnown(rows[params.dataIndex].low)) return null;
        const [top, bottom] = [api.coord([api.value(0), api.value(2)]), api.coord([api.value(0), api.value(1)])];
        return {
          type: "line",
          shape: { x1: top[0], y1: top[1], x2: bottom[0], y2: bottom[1] },
          style: { stroke: theme.battery, lineWidth: 3, opacity: 0.45 },
        };
      };
      return frame(theme, size, {
        legend: legend(theme, size),
        xAxis: monthAxis(theme, at("month"), {
          axisLabel: { color: theme.muted, hideOverlap: true, formatter: monthYear },
        }),
        yAxis: valueAxis(theme, "kWh", { scale: true }),
        tooltip: {
          trigger: "axis",
          formatter: (params) => {
            const row = rows[params[0].dataIndex];
            return tip(longMonthYear(row.month), [
              ["from discharges, kWh", number(row.capacity, 2), theme.battery],
              ["interval, kWh", isKnown(row.low) ? `${number(row.low, 2)} to ${number(row.high, 2)}` : "–"],
              ["live status, kWh", number(row.live, 2), theme.accent],
            ]);
          },
        },
        series: [
          { name: "from discharges", type: "line", symbolSize: 6, itemStyle: { color: theme.battery }, data: at("capacity") },
          {
            name: "interval",
            type: "custom",
            silent: true,
            itemStyle: { color: theme.battery, opacity: 0.45 },
            encode: { x: 0, y: [1, 2] },
            renderItem: bar,
            data: rows.map((row, place) => [place, row.low, row.high]),
          },
          { name: "live status", type: "line", lineStyle: { width: 0 }, symbolSize: 8, symbol: "diamond", itemStyle: { color: theme.accent }, data: at("live") },
          ...(isKnown(nameplate)
            ? [{ name: "rated energy", type: "line", symbol: "none", itemStyle: { color: theme.strong }, lineStyle: { type: "dashed", color: theme.strong }, data: rows.map(() => nameplate) }]
            : []),
        ],
      });
    },
    table: (view) =>
      table(
        "Capacity by month",
        ["Month", "From discharges, kWh", "At least", "At most", "Discharges", "Live status, kWh", "Of rated energy, %", "Of the first year, %"],
        view.lists.health.map((row) => [
          longMonthYear(row.month),
          number(row.capacity, 2),
          number(row.low, 2),
          number(row.high, 2),
          number(row.spans, 0),
          number(row.live, 2),
          number(row.of_nameplate, 1),
          number(row.of_first_year, 1),
        ]),
      ),
  };

  wattlog.batteryCharts = [health, cycles, byYear];
})();
