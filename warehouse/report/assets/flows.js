/* Energy flows of a year, and self-sufficiency by month. */
"use strict";

(() => {
  const {
    number,
    kwh,
    pct,
    month,
    monthYear,
    longMonthYear,
    sum,
    has,
    extremes,
    isKnown,
    tip,
    table,
    frame,
    legend,
    valueAxis,
    monthAxis,
    known,
    percent,
  } = wattlog;

  /* ---- flows ---- */
  const FLOWS = [
    ["solar", "home", "solar_to_home"],
    ["solar", "to_battery", "solar_to_battery"],
    ["solar", "to_grid", "solar_to_grid"],
    ["battery", "home", "battery_to_home"],
    ["battery", "to_grid", "battery_to_grid"],
    ["grid", "home", "grid_to_home"],
    ["grid", "to_battery", "grid_to_battery"],
    ["generator", "home", "generator_to_home"],
    ["generator", "to_battery", "generator_to_battery"],
    ["generator", "to_grid", "generator_to_grid"],
  ];
  const NODES = {
    solar: ["Solar", "solar", 0],
    battery: ["From battery", "battery", 0],
    grid: ["From grid", "import", 0],
    generator: ["Generator", "generator", 0],
    home: ["Home", "home", 1],
    to_battery: ["To battery", "charge", 1],
    to_grid: ["To grid", "export", 1],
  };

  const flowsOf = (view) =>
    FLOWS.map(([from, to, name]) => ({ from, to, value: view.total[name] })).filter((flow) => flow.value > 0.005);
  const throughput = (flows, node) =>
    sum(flows.filter((flow) => flow.from === node || flow.to === node).map((flow) => flow.value));

  const flows = {
    id: "flows",
    title: "Energy flows",
    half: true,
    tall: true,
    isEmpty: (view) => !view.hasFlows || !flowsOf(view).length,
    summary(view) {
      if (!view.hasFlows) {
        return (
          `The panels generated ${kwh(view.total.solar)}. This site measures neither the home nor the grid, so where that energy ` +
          "went is not known."
        );
      }
      const { home, solar } = view.total;
      const from = (name, text) =>
        view.total[name] > 0 ? `${kwh(view.total[name])} (${percent(known(home, view.total[name]))}) ${text}` : "";
      const parts = [
        from("solar_to_home", "straight from the sun"),
        from("battery_to_home", "from the battery"),
        from("grid_to_home", "from the grid"),
        from("generator_to_home", "from the generator"),
      ].filter(Boolean);
      const exported = view.total.grid_export > 0 ? ` ${kwh(view.total.grid_export)} went to the grid.` : "";
      const generated = solar > 0 ? ` The panels generated ${kwh(solar)}.` : "";
      return `The home used ${kwh(home)}: ${parts.join(", ") || "its sources are not known"}.${generated}${exported}`;
    },
    option(view, theme, _, size) {
      const found = flowsOf(view);
      const used = Object.keys(NODES).filter((node) => throughput(found, node) !== null);
      return frame(theme, size, {
        tooltip: {
          trigger: "item",
          formatter: ({ dataType, data }) =>
            dataType === "edge"
              ? tip(`${NODES[data.source][0]} → ${NODES[data.target][0]}`, [["energy", kwh(data.value)]])
              : tip(NODES[data.name][0], [["energy", kwh(throughput(found, data.name))]]),
        },
        series: [
          {
            type: "sankey",
            left: 6,
            right: 6,
            top: 12,
            bottom: 12,
            nodeWidth: 14,
            nodeGap: 22,
            draggable: false,
            layoutIterations: 0,
            emphasis: { focus: "adjacency" },
            lineStyle: { color: "source", opacity: 0.42, curveness: 0.5 },
            data: used.map((name) => ({
              name,
              depth: NODES[name][2],
              itemStyle: { color: theme[NODES[name][1]], borderWidth: 0 },
              label: {
                position: NODES[name][2] ? "left" : "right",
                color: theme.ink,
                lineHeight: 16,
                textBorderColor: theme.surface,
                textBorderWidth: 3,
                formatter: `{b|${NODES[name][0]}}\n${kwh(throughput(found, name))}`,
                rich: { b: { fontWeight: 600, color: theme.ink, textBorderColor: theme.surface, textBorderWidth: 3 } },
              },
            })),
            links: found.map((flow) => ({ source: flow.from, target: flow.to, value: flow.value })),
          },
        ],
      });
    },
    table: (view) =>
      table(
        "Energy flows",
        ["From", "To", "kWh"],
        flowsOf(view).map((flow) => [NODES[flow.from][0], NODES[flow.to][0], number(flow.value)]),
        { text: [1] },
      ),
  };

  /* ---- self-sufficiency ---- */
  const SHARES = [
    ["self_sufficiency", "Self-sufficiency", "battery", "circle", "solid"],
    ["self_consumption", "Self-consumption", "solar", "triangle", "dashed"],
  ];

  const trend = {
    id: "self-sufficiency",
    title: "Self-sufficiency",
    half: true,
    tall: true,
    isEmpty: (view) => !view.trend.some((row) => SHARES.some(([name]) => isKnown(row[name]))),
    summary(view) {
      const shown = view.trend.filter((row) => SHARES.some(([name]) => isKnown(row[name])));
      if (!shown.length) return "Not known: it needs the energy of the home and of the grid, and this site measures neither.";
      const here = shown.filter((row) => row.period.startsWith(String(view.year)) && isKnown(row.self_sufficiency));
      const best = extremes(here.map((row) => row.self_sufficiency));
      const shareOf = (row) => `${pct(row.self_sufficiency)} in ${month(row.period)}`;
      const range =
        best && best.most !== best.least ? `from ${shareOf(here[best.least])} to ${shareOf(here[best.most])}` : "";
      const span = range ? ` Month by month in ${view.year}: ${range}.` : "";
      return (
        "Self-sufficiency is the part of the home's energy that the grid did not supply, directly or through the battery; " +
        `self-consumption is the part of the solar energy that was not exported.${span}`
      );
    },
    option(view, theme, _, size) {
      const rows = view.trend;
      const shown = SHARES.filter(([name]) => has(rows.map((row) => row[name])));
      const here = rows.filter((row) => row.period.startsWith(String(view.year)));
      const isLong = rows.length > 14;
      const area =
        isLong && here.length
          ? {
              silent: true,
              itemStyle: { color: theme.strong, opacity: 0.16 },
              label: { color: theme.muted, position: "insideBottom" },
              data: [[{ name: String(view.year), xAxis: here[0].period }, { xAxis: here.at(-1).period }]],
            }
          : undefined;
      return frame(theme, size, {
        legend: legend(theme, size, { icon: undefined, itemWidth: 26 }),
        xAxis: monthAxis(
          theme,
          rows.map((row) => row.period),
          isLong
            ? {
                boundaryGap: true,
                axisTick: { show: true, interval: (_at, text) => text.endsWith("-01") },
                axisLabel: {
                  color: theme.muted,
                  hideOverlap: true,
                  interval:
                    rows.length > 30
                      ? (at, text) => text.endsWith("-01")
                      : (at, text) => at === 0 || ["01", "04", "07", "10"].includes(text.slice(5)),
                  formatter: (text) => (rows.length > 30 || text.endsWith("-01") ? text.slice(0, 4) : month(text)),
                },
              }
            : {
                axisLabel: {
                  color: theme.muted,
                  hideOverlap: true,
                  lineHeight: 15,
                  formatter: (text) => (text.endsWith("-01") ? `${month(text)}\n${text.slice(0, 4)}` : month(text)),
                },
              },
        ),
        yAxis: valueAxis(theme, "%", { min: 0, max: 100 }),
        tooltip: {
          trigger: "axis",
          axisPointer: { type: "line" },
          formatter: (params) =>
            tip(
              monthYear(rows[params[0].dataIndex].period),
              shown.map(([name, text, colour]) => [text, pct(rows[params[0].dataIndex][name]), theme[colour]]),
            ),
        },
        series: shown.map(([name, text, colour, symbol, type], at) => ({
          name: text,
          type: "line",
          symbol,
          symbolSize: isLong ? 5 : 8,
          showAllSymbol: true,
          connectNulls: false,
          lineStyle: { width: 2.5, type, color: theme[colour] },
          itemStyle: { color: theme[colour] },
          data: rows.map((row) => row[name]),
          markArea: at === 0 ? area : undefined,
        })),
      });
    },
    table: (view) =>
      table(
        "Self-sufficiency by month",
        ["Month", ...SHARES.map(([, text]) => `${text}, %`)],
        view.trend.map((row) => [longMonthYear(row.period), number(row.self_sufficiency), number(row.self_consumption)]),
      ),
  };

  Object.assign(wattlog.charts, { flows, trend });
})();
