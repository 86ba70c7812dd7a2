/* One day: power by source and by use, state of energy, prices, and what happened. */
"use strict";

(() => {
  const { number, kw, wholePct, pct, has, isKnown, plural, tip, table, frame, legend, valueAxis, words, time } = wattlog;

  const up = (value) => (isKnown(value) ? Math.max(value, 0) : null);
  const down = (value) => (isKnown(value) ? Math.max(-value, 0) : null);
  const WAYS = {
    source: [
      "Power, by where it comes from",
      [
        ["solar", "from solar", "solar", (row) => up(row.solar)],
        ["battery", "from battery", "battery", (row) => up(row.battery)],
        ["grid", "from grid", "import", (row) => up(row.grid)],
        ["generator", "from generator", "generator", (row) => up(row.generator)],
      ],
    ],
    use: [
      "Power, by where it goes",
      [
        ["home", "to home", "home", (row) => up(row.home)],
        ["charge", "to battery", "charge", (row) => down(row.battery)],
        ["export", "to grid", "export", (row) => down(row.grid)],
      ],
    ],
  };

  /** Rows of columns, with an empty row where time is missing between two. */
  function intervals(columns) {
    const names = Object.keys(columns);
    const made = [];
    (columns.minute ?? []).forEach((minute, at) => {
      const row = Object.fromEntries(names.map((name) => [name, columns[name][at]]));
      const before = made.at(-1);
      if (before && minute > before.minute + before.length + 0.5)
        made.push({ minute: before.minute + before.length, length: 0 });
      made.push(row);
    });
    return made;
  }

  /** The time on the clock at a minute of the day; every half hour is given, since clocks change by whole quarters at most in between. */
  function clockAt(shown, minute) {
    const half = Math.floor(minute / 30);
    const [hours, minutes] = (shown.clock[half] ?? "00:00").split(":").map(Number);
    const total = (hours * 60 + minutes + Math.round(minute - half * 30)) % 1440;
    return time(`${String(Math.floor(total / 60)).padStart(2, "0")}:${String(total % 60).padStart(2, "0")}`);
  }

  /** The values of all lines at a minute of a day, in kW. */
  function powerTip(shown) {
    return {
      trigger: "axis",
      axisPointer: { type: "line" },
      formatter: (params) =>
        tip(
          clockAt(shown, Math.floor(params[0].value[0])),
          params.map((param) => [param.seriesName, kw(param.value[1]), param.color]),
        ),
    };
  }

  function timeAxis(theme, { narrow }, shown) {
    return {
      type: "value",
      min: 0,
      max: shown.minutes,
      interval: narrow ? 360 : 180,
      axisLabel: { color: theme.muted, hideOverlap: true, alignMinLabel: "left", alignMaxLabel: "right", formatter: (minute) => clockAt(shown, minute) },
      axisLine: { lineStyle: { color: theme.strong } },
      axisTick: { show: true, lineStyle: { color: theme.strong } },
      splitLine: { show: false },
    };
  }

  const kwOf = (watts) => (isKnown(watts) ? watts / 1000 : null);
  const line = { type: "line", symbol: "none", connectNulls: false, lineStyle: { width: 1.5 } };

  /** Outages and charge sessions as bands, commands and changed settings as marks. */
  function happenings(theme, shown) {
    const bands = shown.events.filter((event) => isKnown(event.end_minute));
    const marks = shown.events.filter((event) => !isKnown(event.end_minute));
    const within = (minute) => Math.min(Math.max(minute, 0), shown.minutes);
    const label = { show: true, color: theme.ink, fontSize: 10, position: "insideTop" };
    return {
      markArea: {
        silent: true,
        data: bands.map((event) => [
          {
            xAxis: within(event.minute),
            name: event.kind === "outage" ? "outage" : "car",
            label,
            itemStyle: { color: event.kind === "outage" ? theme.import : theme.car, opacity: 0.16 },
          },
          { xAxis: within(event.end_minute) },
        ]),
      },
      markLine: {
        silent: true,
        symbol: "none",
        lineStyle: { color: theme.ink, type: "dotted" },
        label: { show: false },
        data: marks.map((event) => ({ xAxis: within(event.minute) })),
      },
    };
  }

  const power = {
    id: "power",
    title: "Power",
    tall: true,
    isEmpty: ({ shown }) => !shown.power.minute.length,
    controls: () => [["way", "Show", Object.entries(WAYS).map(([name, [text]]) => [name, text])]],
    summary({ shown, other }) {
      const rows = intervals(shown.power);
      if (!rows.length) return "No power is stored for this day.";
      const most = (name) => Math.max(...shown.power[name].filter(isKnown));
      const parts = [
        has(shown.power.solar) && most("solar") > 0 ? `solar reached ${kw(most("solar") / 1000)}` : null,
        has(shown.power.home) ? `the home ${kw(most("home") / 1000)}` : null,
      ].filter(Boolean);
      const events = shown.events.length ? ` ${plural(shown.events.length, "event")} of the day ${shown.events.length === 1 ? "is" : "are"} marked.` : "";
      const compared = other ? " Dashed lines are the other day." : "";
      return `Mean power of ${plural(shown.power.minute.length, "interval")}${parts.length ? `: ${parts.join(", ")}` : ""}.${events}${compared}`;
    },
    option({ shown, other }, theme, { way }, size) {
      const rows = intervals(shown.power);
      const parts = WAYS[way][1].filter(([, , , of]) => rows.some((row) => of(row) > 0));
      const compared = other ? [["solar", "solar, other day", "solar"], ["home", "home, other day", "home"]] : [];
      const series = parts.map(([, name, colour, of]) => ({
        ...line,
        name,
        stack: "power",
        step: "end",
        lineStyle: { width: 0 },
        areaStyle: { color: theme[colour], opacity: 0.85 },
        itemStyle: { color: theme[colour] },
        data: rows.map((row) => [row.minute + (row.length ?? 0) / 2, kwOf(of(row))]),
      }));
      if (way === "source" && has(shown.power.home))
        series.push({
          ...line,
          name: "home",
          itemStyle: { color: theme.ink },
          lineStyle: { width: 1.2, color: theme.ink },
          data: rows.map((row) => [row.minute + (row.length ?? 0) / 2, kwOf(row.home)]),
        });
      for (const [name, text, colour] of compared.filter(([name]) => has(other.power[name])))
        series.push({
          ...line,
          name: text,
          itemStyle: { color: theme[colour] },
          lineStyle: { width: 1.4, type: "dashed", color: theme[colour] },
          data: intervals(other.power).map((row) => [row.minute + (row.length ?? 0) / 2, kwOf(row[name])]),
        });
      if (!series.length)
        series.push({ ...line, name: "", data: rows.map((row) => [row.minute, isKnown(row.solar) ? 0 : null]) });
      Object.assign(series[0], happenings(theme, shown));
      return frame(theme, size, {
        legend: legend(theme, size),
        xAxis: timeAxis(theme, size, shown),
        yAxis: valueAxis(theme, "kW"),
        tooltip: powerTip(shown),
        series,
      });
    },
    table({ shown }) {
      const soe = new Map(shown.soe.minute.map((minute, at) => [minute, shown.soe.soe[at]]));
      return table(
        "Power of each interval",
        ["From", "Solar, kW", "Home, kW", "Grid, kW", "Battery, kW", "Generator, kW", "State of energy, %"],
        shown.power.minute.map((minute, at) => [
          clockAt(shown, minute),
          ...["solar", "home", "grid", "battery", "generator"].map((name) => number(kwOf(shown.power[name][at]), 3)),
          number(soe.get(minute) ?? null, 1),
        ]),
      );
    },
  };

  const soeOfDay = {
    id: "day-soe",
    title: "State of energy",
    half: true,
    isEmpty: ({ shown }) => !shown.soe.minute.length,
    summary({ shown }) {
      if (!shown.soe.minute.length) return "No state of energy is stored for this day.";
      const values = shown.soe.soe;
      return `From ${pct(Math.min(...values))} to ${pct(Math.max(...values))}; ${pct(values[0])} at the first reading, ${pct(values.at(-1))} at the last.`;
    },
    option({ shown, other }, theme, _, size) {
      const of = (day, name, more) => ({
        ...line,
        name,
        itemStyle: { color: theme.battery },
        lineStyle: { width: 1.8, color: theme.battery, ...more },
        data: intervals(day.soe).map((row) => [row.minute, row.soe ?? null]),
      });
      return frame(theme, size, {
        ...(other ? { legend: legend(theme, size) } : {}),
        xAxis: timeAxis(theme, size, shown),
        yAxis: valueAxis(theme, "%", { min: 0, max: 100 }),
        tooltip: {
          trigger: "axis",
          axisPointer: { type: "line" },
          formatter: (params) =>
            tip(clockAt(shown, params[0].value[0]), params.map((param) => [param.seriesName, wholePct(param.value[1]), param.color])),
        },
        series: [
          of(shown, "state of energy", {}),
          ...(other ? [of(other, "other day", { type: "dashed" })] : []),
        ],
      });
    },
    table: ({ shown }) =>
      table(
        "State of energy",
        ["From", "State of energy, %"],
        shown.soe.minute.map((minute, at) => [clockAt(shown, minute), number(shown.soe.soe[at], 1)]),
      ),
  };

  const pricesOfDay = {
    id: "day-prices",
    title: "Prices in force",
    half: true,
    isEmpty: ({ shown }) => !shown.prices.minute.length,
    summary({ shown }) {
      const { prices } = shown;
      if (!prices.minute.length) return "No price is known for this day.";
      const labels = [...new Set(prices.label.filter(Boolean))].map(words);
      const assumed = prices.tariff_basis.includes("assumed") ? " The tariff was not in force then; it is assumed." : "";
      return `In ${prices.currency[0]} a kWh${labels.length ? `; ${labels.join(", ").toLowerCase()}` : ""}.${assumed}`;
    },
    option({ shown }, theme, _, size) {
      const { prices } = shown;
      const of = (name, text, colour) => ({
        ...line,
        name: text,
        step: "end",
        itemStyle: { color: theme[colour] },
        lineStyle: { width: 1.8, color: theme[colour] },
        data: [
          ...prices.minute.map((minute, at) => [minute, prices[name][at]]),
          [shown.minutes, prices[name].at(-1)],
        ],
      });
      return frame(theme, size, {
        legend: legend(theme, size),
        xAxis: timeAxis(theme, size, shown),
        yAxis: valueAxis(theme, `${prices.currency[0]} a kWh`),
        tooltip: {
          trigger: "axis",
          axisPointer: { type: "line" },
          formatter: (params) =>
            tip(clockAt(shown, params[0].value[0]), params.map((param) => [param.seriesName, number(param.value[1], 3), param.color])),
        },
        series: [of("buy", "import", "import"), ...(has(prices.sell) ? [of("sell", "export", "export")] : [])],
      });
    },
    table: ({ shown }) =>
      table(
        "Prices",
        ["From", "Label", "Import", "Export", "Currency"],
        shown.prices.minute.map((minute, at) => [
          clockAt(shown, minute),
          words(shown.prices.label[at]),
          number(shown.prices.buy[at], 3),
          number(shown.prices.sell[at], 3),
          shown.prices.currency[at],
        ]),
        { text: [1, 4] },
      ),
  };

  const KINDS = { outage: "outage", session: "charge session", setting: "setting changed", command: "command" };
  const events = {
    id: "day-events",
    title: "What happened",
    isTable: true,
    isHidden: ({ shown }) => !shown.events.length,
    summary: ({ shown }) => `${plural(shown.events.length, "event")} on this day.`,
    table({ shown }) {
      const at = (minute) =>
        minute < 0 ? "the day before" : minute > shown.minutes ? "the day after" : clockAt(shown, minute);
      return table(
        "Events",
        ["From", "To", "What", "Details"],
        shown.events.map((event) => [
          at(event.minute),
          isKnown(event.end_minute) ? at(event.end_minute) : "",
          KINDS[event.kind],
          event.what ?? (isKnown(event.kwh) ? `${number(event.kwh, 2)} kWh` : ""),
        ]),
        { text: [1, 2, 3] },
      );
    },
  };

  wattlog.dayCharts = [power, soeOfDay, pricesOfDay, events];
  Object.assign(wattlog, { clockAt, timeAxis, powerTip });
})();
