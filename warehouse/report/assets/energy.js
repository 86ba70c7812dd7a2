/* Where energy came from and went: flows, days, self-sufficiency, cars. */
"use strict";

(() => {
  const { number, kwh, pct, fullDay, month, sum, toKwh, has, extremes, isKnown, plural, tip, table, frame, legend, valueAxis,
    dayAxis, monthAxis, withMissing, NBSP } = wattlog;
  const known = (value, share) => (isKnown(value) && isKnown(share) && value > 0 ? share / value : null);
  const percent = (ratio) => pct(ratio === null ? null : 100 * ratio);

  /* ---- flows ---- */
  const FLOWS = [
    ["solar", "home", "solar_to_home"], ["solar", "to_battery", "solar_to_battery"], ["solar", "to_grid", "solar_to_grid"],
    ["battery", "home", "battery_to_home"], ["battery", "to_grid", "battery_to_grid"],
    ["grid", "home", "grid_to_home"], ["grid", "to_battery", "grid_to_battery"],
    ["generator", "home", "generator_to_home"], ["generator", "to_battery", "generator_to_battery"],
    ["generator", "to_grid", "generator_to_grid"],
  ];
  const NODES = {
    solar: ["Solar", "solar", 0], battery: ["From battery", "battery", 0], grid: ["From grid", "import", 0],
    generator: ["Generator", "generator", 0], home: ["Home", "home", 1], to_battery: ["To battery", "charge", 1],
    to_grid: ["To grid", "export", 1],
  };

  const flowsOf = (view) => FLOWS.map(([from, to, name]) => ({ from, to, value: view.total[name] }))
    .filter((flow) => flow.value > 0.005);
  const throughput = (flows, node) => sum(flows.filter((flow) => flow.from === node || flow.to === node).map((flow) => flow.value));

  const flows = {
    id: "flows", title: "Energy flows", half: true, tall: true,
    isEmpty: (view) => !view.hasFlows || !flowsOf(view).length,
    says(view) {
      if (!view.hasFlows) {
        return `The panels gave ${kwh(view.total.solar)}. Nothing measures the home or the grid here, so where that energy went `
          + "is not known, and nothing is drawn.";
      }
      const { home, solar } = view.total;
      const from = (name, text) => (view.total[name] > 0 ? `${kwh(view.total[name])} (${percent(known(home, view.total[name]))}) ${text}` : "");
      const parts = [from("solar_to_home", "straight from the sun"), from("battery_to_home", "from the battery"),
        from("grid_to_home", "from the grid"), from("generator_to_home", "from the generator")].filter(Boolean);
      const exported = view.total.grid_export > 0 ? ` ${kwh(view.total.grid_export)} went to the grid.` : "";
      return `The home used ${kwh(home)}: ${parts.join(", ") || "none of it accounted for"}.${solar > 0 ? ` The panels gave ${kwh(solar)}.` : ""}${exported}`;
    },
    option(view, theme, _, size) {
      const found = flowsOf(view);
      const used = Object.keys(NODES).filter((node) => throughput(found, node) !== null);
      return frame(theme, size, {
        tooltip: {
          trigger: "item",
          formatter: ({ dataType, data }) => (dataType === "edge"
            ? tip(`${NODES[data.source][0]} → ${NODES[data.target][0]}`, [["energy", kwh(data.value)]])
            : tip(NODES[data.name][0], [["energy", kwh(throughput(found, data.name))]])),
        },
        series: [{
          type: "sankey", left: 6, right: 6, top: 12, bottom: 12, nodeWidth: 14, nodeGap: 22, draggable: false,
          layoutIterations: 0, emphasis: { focus: "adjacency" }, lineStyle: { color: "source", opacity: 0.42, curveness: 0.5 },
          data: used.map((name) => ({
            name, depth: NODES[name][2], itemStyle: { color: theme[NODES[name][1]], borderWidth: 0 },
            label: {
              position: NODES[name][2] ? "left" : "right", color: theme.ink, lineHeight: 16,
              textBorderColor: theme.surface, textBorderWidth: 3,
              formatter: `{b|${NODES[name][0]}}\n${kwh(throughput(found, name))}`, rich: { b: { fontWeight: 600, color: theme.ink, textBorderColor: theme.surface, textBorderWidth: 3 } },
            },
          })),
          links: found.map((flow) => ({ source: flow.from, target: flow.to, value: flow.value })),
        }],
      });
    },
    table: (view) => table("Energy flows", ["From", "To", "kWh"],
      flowsOf(view).map((flow) => [NODES[flow.from][0], NODES[flow.to][0], number(flow.value)]), { text: [1] }),
  };

  /* ---- days ---- */
  const STACKS = {
    home: ["Home, by where it came from", "home", [["solar_to_home", "from solar", "solar"],
      ["battery_to_home", "from battery", "battery"], ["grid_to_home", "from grid", "import"],
      ["generator_to_home", "from generator", "generator"]]],
    solar: ["Solar, by where it went", "solar", [["solar_to_home", "to home", "home"],
      ["solar_to_battery", "to battery", "charge"], ["solar_to_grid", "to grid", "export"]]],
    generated: ["Solar", "solar", [["solar", "solar", "solar"]]],
    grid: ["Grid import and export", "grid_import", [["grid_import", "import", "import"], ["grid_export", "export", "export", -1]]],
    battery: ["Battery discharge and charge", "battery_discharge", [["battery_discharge", "discharge", "battery"],
      ["battery_charge", "charge", "charge", -1]]],
  };
  const VERBS = { home: "The home used", solar: "The panels gave", generated: "The panels gave", grid: "From the grid came",
    battery: "The battery discharged" };

  function stacksOf(view) {
    const offered = [];
    if (view.hasFlows) offered.push("home");
    if (isKnown(view.total.solar) && (view.total.solar > 0 || view.site.has_solar)) offered.push(view.hasFlows ? "solar" : "generated");
    if (view.hasFlows && (view.total.grid_import > 0 || view.total.grid_export > 0)) offered.push("grid");
    if (view.site.has_battery && isKnown(view.total.battery_discharge)) offered.push("battery");
    return offered;
  }

  function window(view, months) {
    const at = view.dates.map((_, index) => index).filter((index) => months === "all" || view.dates[index].slice(5, 7) === months);
    return { dates: at.map((index) => view.dates[index]), pick: (values) => at.map((index) => values[index]) };
  }

  const daily = {
    id: "days", title: "Day by day",
    isEmpty: (view) => !stacksOf(view).length,
    controls: (view) => [
      ["stack", "Show", stacksOf(view).map((name) => [name, STACKS[name][0]])],
      ["month", "Days of", [["all", "the whole year"],
        ...[...new Set(view.dates.map((date) => date.slice(0, 7)))].map((text) => [text.slice(5), wattlog.longMonth(text)])]],
    ],
    says(view, { stack, month: chosen }) {
      if (!stack) return "No energy is known in this year.";
      const { dates, pick } = window(view, chosen);
      const values = pick(view.days[STACKS[stack][1]]);
      const found = extremes(values);
      if (!found) return "Nothing is known of these days.";
      const count = values.filter(isKnown).length;
      const all = toKwh(sum(values));
      const range = count > 1 ? `, ${kwh(all / count)} a day; most on ${fullDay(dates[found.most])} `
        + `(${kwh(toKwh(values[found.most]))}), least on ${fullDay(dates[found.least])} (${kwh(toKwh(values[found.least]))})` : "";
      const absent = pick(view.days.status).filter((status) => status === "missing").length;
      return `${VERBS[stack]} ${kwh(all)} in ${plural(count, "day")}${range}.`
        + (absent ? ` ${plural(absent, "day")} without data ${absent === 1 ? "is" : "are"} shaded.` : "");
    },
    option(view, theme, { stack, month: chosen }, size) {
      const { dates, pick } = window(view, chosen);
      const parts = STACKS[stack][2].filter(([name]) => pick(view.days[name]).some((value) => value > 0));
      const shown = parts.length ? parts : STACKS[stack][2].filter(([name]) => has(pick(view.days[name])));
      const statuses = pick(view.days.status);
      const values = shown.map(([name]) => pick(view.days[name]));
      const unsigned = (value) => number(Math.abs(value), value % 1 ? 1 : 0);
      const yAxis = valueAxis(theme, "kWh a day", { axisLabel: { color: theme.muted, formatter: unsigned } });
      return frame(theme, size, {
        legend: legend(theme, size), xAxis: dayAxis(theme, size, dates),
        tooltip: {
          trigger: "axis",
          formatter: (params) => {
            const at = params[0].dataIndex;
            return tip(fullDay(dates[at]), [...shown.map(([, name, colour], part) => [name, kwh(toKwh(values[part][at])), theme[colour]]),
              ["day is", wattlog.words(statuses[at])]]);
          },
        },
        ...withMissing(theme, yAxis, shown.map(([, name, colour, sign = 1], part) => ({
          name, type: "bar", stack: "day", barMaxWidth: 36, barWidth: dates.length > 62 ? "88%" : "70%", barGap: "-100%",
          itemStyle: { color: theme[colour] }, data: values[part].map((value) => (isKnown(value) ? sign * toKwh(value) : null)),
        })), statuses.map((status) => status === "missing")),
      });
    },
    table(view, { stack, month: chosen }) {
      const { dates, pick } = window(view, chosen);
      const parts = STACKS[stack][2];
      const columns = parts.map(([name]) => pick(view.days[name]));
      const statuses = pick(view.days.status);
      return table(STACKS[stack][0], ["Day", ...parts.map(([, name]) => `${name}, kWh`), "Status"],
        dates.map((date, at) => [date, ...columns.map((values) => number(toKwh(values[at]), 2)), wattlog.words(statuses[at])]),
        { text: [parts.length + 1] });
    },
  };

  /* ---- self-sufficiency ---- */
  const SHARES = [["self_sufficiency", "Self-sufficiency", "battery", "circle", "solid"],
    ["self_consumption", "Self-consumption", "solar", "triangle", "dashed"]];

  const trend = {
    id: "self-sufficiency", title: "Self-sufficiency", half: true, tall: true,
    isEmpty: (view) => !view.trend.some((row) => SHARES.some(([name]) => isKnown(row[name]))),
    says(view) {
      const shown = view.trend.filter((row) => SHARES.some(([name]) => isKnown(row[name])));
      if (!shown.length) return "Not known: it takes the home's and the grid's energy, and this site measures neither.";
      const here = shown.filter((row) => row.period.startsWith(String(view.year)) && isKnown(row.self_sufficiency));
      const best = extremes(here.map((row) => row.self_sufficiency));
      const span = best ? ` Month by month in ${view.year}: from ${pct(here[best.least].self_sufficiency)} in ${month(here[best.least].period)} `
        + `to ${pct(here[best.most].self_sufficiency)} in ${month(here[best.most].period)}.` : "";
      return `Self-sufficiency is the part of the home's energy that the grid did not supply, directly or through the battery; `
        + `self-consumption is the part of the solar energy that was not exported.${span}`;
    },
    option(view, theme, _, size) {
      const rows = view.trend;
      const shown = SHARES.filter(([name]) => has(rows.map((row) => row[name])));
      const here = rows.filter((row) => row.period.startsWith(String(view.year)));
      const isLong = rows.length > 14;
      const area = isLong && here.length ? {
        silent: true, itemStyle: { color: theme.strong, opacity: 0.16 }, label: { color: theme.muted, position: "insideBottom" },
        data: [[{ name: String(view.year), xAxis: here[0].period }, { xAxis: here.at(-1).period }]],
      } : undefined;
      return frame(theme, size, {
        legend: legend(theme, size, { icon: undefined, itemWidth: 26 }),
        xAxis: monthAxis(theme, rows.map((row) => row.period), isLong ? {
          boundaryGap: true, axisTick: { show: true, interval: (_at, text) => text.endsWith("-01") },
          axisLabel: { color: theme.muted, hideOverlap: true,
            interval: rows.length > 30 ? (at, text) => text.endsWith("-01") : (at, text) => at === 0 || ["01", "04", "07", "10"].includes(text.slice(5)),
            formatter: (text) => (rows.length > 30 || text.endsWith("-01") ? text.slice(0, 4) : month(text)) },
        } : { axisLabel: { color: theme.muted, hideOverlap: true, lineHeight: 15, formatter: (text) => (text.endsWith("-01") ? `${month(text)}\n${text.slice(0, 4)}` : month(text)) } }),
        yAxis: valueAxis(theme, "%", { min: 0, max: 100 }),
        tooltip: {
          trigger: "axis", axisPointer: { type: "line" },
          formatter: (params) => tip(`${month(rows[params[0].dataIndex].period)} ${rows[params[0].dataIndex].period.slice(0, 4)}`,
            shown.map(([name, text, colour]) => [text, pct(rows[params[0].dataIndex][name]), theme[colour]])),
        },
        series: shown.map(([name, text, colour, symbol, type], at) => ({
          name: text, type: "line", symbol, symbolSize: isLong ? 5 : 8, showAllSymbol: true, connectNulls: false,
          lineStyle: { width: 2.5, type, color: theme[colour] }, itemStyle: { color: theme[colour] },
          data: rows.map((row) => row[name]), markArea: at === 0 ? area : undefined,
        })),
      });
    },
    table: (view) => table("Self-sufficiency by month", ["Month", ...SHARES.map(([, text]) => `${text}, %`)],
      view.trend.map((row) => [row.period, number(row.self_sufficiency), number(row.self_consumption)])),
  };

  /* ---- cars ---- */
  const cars = {
    id: "cars", title: "Cars", half: true, tall: true,
    isEmpty: (view) => !view.charging.length,
    says(view) {
      const ev = sum(view.charging.map((row) => row.ev));
      if (ev === null) {
        return view.site.wall_connectors ? `No charge session is known in ${view.year}.` : "This site has no wall connector: what cars took is part of the home.";
      }
      const sessions = sum(view.charging.map((row) => row.sessions));
      const share = known(view.total.home, ev);
      return `Cars took ${kwh(ev)} in ${plural(sessions, "session")}${share === null ? "" : `, ${percent(share)} of what the home used`}.`;
    },
    option(view, theme, _, size) {
      const rows = view.months.map((row) => {
        const charged = view.charging.find((each) => each.month === row.month);
        const ev = charged?.ev ?? 0;
        return { ...row, ev, sessions: charged?.sessions ?? 0, rest: isKnown(row.home) ? Math.max(row.home - ev, 0) : null, share: known(row.home, ev) };
      });
      const bar = { type: "bar", stack: "home", barMaxWidth: 44 };
      return frame(theme, size, {
        legend: legend(theme, size), xAxis: monthAxis(theme, rows.map((row) => row.month)), yAxis: valueAxis(theme, "kWh a month"),
        tooltip: {
          trigger: "axis",
          formatter: (params) => {
            const row = rows[params[0].dataIndex];
            return tip(`${wattlog.longMonth(row.month)} ${view.year}`, [["cars", kwh(row.ev), theme.car], ["rest of the home", kwh(row.rest), theme.home],
              ["share of cars", percent(row.share)], ["sessions", number(row.sessions, 0)]]);
          },
        },
        series: [
          { ...bar, name: "cars", itemStyle: { color: theme.car }, data: rows.map((row) => row.ev) },
          { ...bar, name: "rest of the home", itemStyle: { color: theme.home }, data: rows.map((row) => row.rest),
            label: { show: true, position: "top", color: theme.ink, fontSize: size.narrow ? 9 : 11,
              formatter: ({ dataIndex }) => (rows[dataIndex].share === null ? "" : `${number(100 * rows[dataIndex].share, 0)}${size.narrow ? "" : NBSP}%`) } },
        ],
      });
    },
    table: (view) => table("Charging by month", ["Month", "Cars, kWh", "Sessions", "Hours"],
      view.charging.map((row) => [row.month, number(row.ev), number(row.sessions, 0), number(row.hours)])),
  };

  wattlog.energy = { flows, daily, trend, cars };
})();
