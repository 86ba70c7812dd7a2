/* The battery's use and efficiency, by month and year. */
"use strict";

(() => {
  const { number, pct, isKnown, sum, tip, table, frame, legend, valueAxis, monthAxis, plural, longMonth } = wattlog;

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
            return tip(`${longMonth(row.period)} ${row.period.slice(0, 4)}`, [
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
        monthsOf(view).map((row) => [row.period, number(row.charge, 2), number(row.discharge, 2), number(row.cycles, 2), number(row.efficiency, 1)]),
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

  wattlog.batteryCharts = [cycles, byYear];
})();
