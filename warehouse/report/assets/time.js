/* When: hours of days, state of energy, how sure each day is, outages. */
"use strict";

(() => {
  const { number, kwh, kw, pct, wholePct, fullDay, month, longMonth, hour, duration, sum, has, extremes, isKnown, plural, words, tip,
    table, frame, legend, valueAxis, dayAxis, monthAxis, withMissing, el, NBSP } = wattlog;

  /* ---- day × hour ---- */
  const MEASURES = {
    home: { text: "home", unit: "kW", scale: 100, show: kw, says: "the home used" },
    solar: { text: "solar", unit: "kW", scale: 100, show: kw, says: "the panels gave" },
    grid: { text: "grid (+ import, − export)", unit: "kW", scale: 100, show: kw, says: "the grid gave", isSigned: true },
    battery: { text: "battery (+ discharge, − charge)", unit: "kW", scale: 100, show: kw, says: "the battery gave", isSigned: true },
    soe: { text: "state of energy", unit: "%", scale: 1, show: wholePct, says: "the battery held" },
  };
  const measuresOf = (view) => Object.keys(MEASURES).filter((name) => {
    if ((name === "battery" || name === "soe") && !view.site.has_battery) return false;
    return has(view.hours[name]) && (name === "soe" || view.hours[name].some((value) => value));
  });

  /** The mean of each hour of the clock. */
  function profile(values) {
    return Array.from({ length: 24 }, (_, at) => {
      const known = values.filter((value, place) => place % 24 === at && isKnown(value));
      return known.length ? sum(known) / known.length : null;
    });
  }

  /** All but the outermost half percent lie within: one odd hour must not make the others pale. */
  function reach(values) {
    const sizes = values.filter(isKnown).map(Math.abs).sort((one, other) => one - other);
    return sizes[Math.min(sizes.length - 1, Math.floor(sizes.length * 0.995))] || 1;
  }

  const heatmap = {
    id: "hours", title: "Hour by hour", tall: true,
    isEmpty: (view) => !measuresOf(view).length,
    controls: (view) => [["measure", "Show", measuresOf(view).map((name) => [name, MEASURES[name].text])]],
    says(view, { measure }) {
      if (!measure) return "No power is known in this year.";
      const { scale, show, says, text } = MEASURES[measure];
      const hours = profile(view.hours[measure]);
      const found = extremes(hours);
      return `Mean ${MEASURES[measure].unit === "%" ? "level" : "power"} of every hour (${text}); across is the day, down the hour of the site's clock. `
        + `On average ${says} most from ${hour(found.most)} (${show(hours[found.most] / scale)}), least from ${hour(found.least)} (${show(hours[found.least] / scale)}). `
        + "Grey hours are not known.";
    },
    option(view, theme, { measure }, size) {
      const { scale, unit, show, isSigned, text } = MEASURES[measure];
      const values = view.hours[measure].map((value) => (isKnown(value) ? value / scale : null));
      const most = measure === "soe" ? 100 : reach(values);
      const least = isSigned ? -most : 0;
      const data = [];
      values.forEach((value, at) => {
        if (isKnown(value)) data.push([Math.floor(at / 24), at % 24, Math.min(Math.max(value, least), most), value]);
      });
      const hours = Array.from({ length: 24 }, (_, at) => hour(at));
      return frame(theme, size, {
        grid: { left: 4, right: 12, top: 8, bottom: 44, containLabel: true, show: true, backgroundColor: theme.absent, borderWidth: 0 },
        xAxis: dayAxis(theme, size, view.dates, { splitLine: { show: false } }),
        yAxis: {
          type: "category", data: hours, inverse: true, axisTick: { show: false }, axisLine: { lineStyle: { color: theme.strong } },
          axisLabel: { color: theme.muted, interval: (at) => at % 6 === 0 },
        },
        visualMap: {
          type: "continuous", min: least, max: most, dimension: 2, orient: "horizontal", left: "center", bottom: 0, itemWidth: 12,
          itemHeight: size.narrow ? 130 : 220, calculable: false, hoverLink: false, textStyle: { color: theme.ink },
          text: [`${number(most, unit === "%" ? 0 : 1)}${NBSP}${unit}`, `${number(least, unit === "%" ? 0 : 1)}${NBSP}${unit}`],
          inRange: { color: isSigned ? theme.diverging : theme.heat },
        },
        tooltip: {
          trigger: "item",
          formatter: ({ data: [x, y, , value] }) => tip(`${fullDay(view.dates[x])}, ${hours[y]}`, [[text, show(value)]]),
        },
        series: [{
          type: "heatmap", data, progressive: 0, itemStyle: { borderWidth: 0 },
          emphasis: { itemStyle: { borderColor: theme.ink, borderWidth: 1 } },
        }],
      });
    },
    table(view, { measure }) {
      const { scale, unit, text } = MEASURES[measure];
      const months = [...new Set(view.dates.map((date) => date.slice(0, 7)))];
      const columns = months.map((each) => profile(view.hours[measure].filter((_, at) => view.dates[Math.floor(at / 24)].startsWith(each))));
      return table(`Mean ${text} by hour and month, ${unit}`, ["Hour", ...months.map((each) => `${month(each)}, ${unit}`)],
        Array.from({ length: 24 }, (_, at) => [hour(at), ...columns.map((values) =>
          number(isKnown(values[at]) ? values[at] / scale : null, unit === "%" ? 0 : 2))]));
    },
  };

  /* ---- state of energy ---- */
  const soe = {
    id: "state-of-energy", title: "State of energy", half: true, tall: true,
    isEmpty: (view) => !view.site.has_battery || !has(view.soe.soe_mean),
    says(view) {
      if (!view.site.has_battery) return "This site has no battery.";
      const found = extremes(view.soe.soe_min);
      if (!found) return "No state of energy is known in this year.";
      const means = view.soe.soe_mean.filter(isKnown);
      const empty = view.soe.soe_min.filter((value) => isKnown(value) && value <= 50).length;
      return `The battery${view.site.battery_kwh ? ` of ${kwh(view.site.battery_kwh)}` : ""} held ${pct(sum(means) / means.length / 10)} on average; lowest on `
        + `${fullDay(view.dates[found.least])} (${pct(view.soe.soe_min[found.least] / 10)}). ${empty
        ? `On ${plural(empty, "day")} it fell to 5${NBSP}% or below.` : `It never fell to 5${NBSP}% or below.`}`;
    },
    option(view, theme, _, size) {
      const share = (value) => (isKnown(value) ? value / 10 : null);
      const { soe_min: low, soe_mean: mean, soe_max: high } = view.soe;
      const single = view.dates.length === 1;
      const line = { type: "line", symbol: single ? "circle" : "none", symbolSize: 8, connectNulls: false };
      return frame(theme, size, {
        legend: legend(theme, size, { data: ["lowest to highest", "mean of the day", "no data"] }), xAxis: dayAxis(theme, size, view.dates, { boundaryGap: single }),
        tooltip: {
          trigger: "axis", axisPointer: { type: "line" },
          formatter: (params) => {
            const at = params[0].dataIndex;
            return tip(fullDay(view.dates[at]), [["highest", pct(share(high[at]))], ["mean", pct(share(mean[at])), theme.battery], ["lowest", pct(share(low[at]))]]);
          },
        },
        ...withMissing(theme, valueAxis(theme, "% of the battery's energy", { min: 0, max: 100 }), [
          { ...line, name: "lowest", stack: "range", lineStyle: { opacity: 0 }, itemStyle: { opacity: 0 }, data: low.map(share) },
          { ...line, name: "lowest to highest", stack: "range", lineStyle: { opacity: 0 }, itemStyle: { color: theme.charge },
            areaStyle: { color: theme.charge, opacity: 0.35 }, data: low.map((value, at) => (isKnown(value) ? share(high[at] - value) : null)) },
          { ...line, name: "mean of the day", lineStyle: { width: 2, color: theme.battery }, itemStyle: { color: theme.battery }, data: mean.map(share) },
        ], low.map((value) => !isKnown(value))),
      });
    },
    table: (view) => table("State of energy by day", ["Day", "Lowest, %", "Mean, %", "Highest, %"],
      view.dates.map((date, at) => [date, ...["soe_min", "soe_mean", "soe_max"].map((name) =>
        number(isKnown(view.soe[name][at]) ? view.soe[name][at] / 10 : null))])),
  };

  /* ---- coverage ---- */
  const MEANING = {
    agreed: ["agreed", "", "two or more of Tesla's series say the same"],
    single_source: ["single source", "●", "one series alone tells of it"],
    filled: ["filled", "✚", "the month's series dropped it, another had it"],
    adjusted: ["adjusted", "◆", "series contradict each other; the likelier was taken"],
    provisional: ["provisional", "▲", "not final yet: asked less than two days after its end"],
    missing: ["missing", "", "no series tells of it"],
  };
  const SYMBOLS = { single_source: "circle", filled: "path://M4 0h4v4h4v4h-4v4h-4v-4h-4v-4h4z", adjusted: "diamond", provisional: "triangle" };

  /** A year is one row of weeks, on a narrow page two: the squares stay large enough to be told apart. */
  const halvesOf = ({ narrow }) => (narrow ? 2 : 1);
  const sideOf = (size) => Math.max(6, Math.min(20, (size.width - 52) / (size.narrow ? 27.5 : 54)));
  const GAP_PX = 30;

  const countOf = (view, status) => view.days.status.filter((each) => each === status).length;
  const present = (view) => wattlog.STATUS.filter((status) => countOf(view, status));

  const coverage = {
    id: "coverage", title: "How sure each day is",
    says(view) {
      const parts = present(view).map((status) => `${number(countOf(view, status), 0)} ${MEANING[status][0]}`);
      const partly = view.days.coverage_pct.filter((value, at) => isKnown(value) && value < 100 && view.days.status[at] !== "missing").length;
      return `${plural(view.dates.length, "day")} from ${fullDay(view.dates[0])} to ${fullDay(view.dates.at(-1))}: ${parts.join(", ")}. `
        + (partly ? `Of ${plural(partly, "day")} some intervals are missing.` : "No interval of a day that is held is missing.");
    },
    legend: (view, theme) => present(view).map((status) => el("li", { title: MEANING[status][2] },
      el("i", { mark: theme.status[status], "aria-hidden": "true", className: status === "missing" ? "outlined" : "" }, MEANING[status][1]),
      `${MEANING[status][0]}: ${MEANING[status][2]} (${countOf(view, status)})`)),
    height: (size) => halvesOf(size) * (7 * sideOf(size) + GAP_PX) + 4,
    option(view, theme, _, size) {
      const halves = size.narrow ? [[`${view.year}-01-01`, `${view.year}-06-30`], [`${view.year}-07-01`, `${view.year}-12-31`]]
        : [[`${view.year}-01-01`, `${view.year}-12-31`]];
      const side = sideOf(size);
      const calendar = (range, at) => ({
        range, left: 42, top: 24 + at * (7 * side + GAP_PX), cellSize: [side, side],
        splitLine: { lineStyle: { color: theme.strong, width: 1 } }, itemStyle: { color: "transparent", borderColor: theme.line, borderWidth: 1 },
        dayLabel: { firstDay: 1, color: theme.muted, nameMap: ["", "Mon", "", "Wed", "", "Fri", ""] },
        monthLabel: { color: theme.muted }, yearLabel: { show: false },
      });
      const cell = Math.max(side - 2, 4);
      const points = (status, [from, to]) => view.dates
        .map((date, at) => [date, view.days.coverage_pct[at], at]).filter(([date, , at]) => view.days.status[at] === status && date >= from && date <= to);
      const squares = halves.flatMap((range, calendarIndex) => present(view).flatMap((status) => {
        const data = points(status, range);
        const shared = { type: "scatter", coordinateSystem: "calendar", calendarIndex, data, name: MEANING[status][0] };
        const outline = status === "missing" ? { borderColor: theme.strong, borderWidth: 1.5, borderType: "dashed" } : {};
        const square = { ...shared, symbol: "rect", symbolSize: cell, itemStyle: { color: theme.status[status], ...outline } };
        if (!SYMBOLS[status] || cell < 6) return [square];
        return [square, { ...shared, silent: true, symbol: SYMBOLS[status], symbolSize: cell * 0.55, itemStyle: { color: theme.glyph } }];
      }));
      return frame(theme, size, {
        grid: undefined, calendar: halves.map(calendar), series: squares,
        tooltip: {
          trigger: "item",
          formatter: ({ data: [date, covered, at] }) => tip(fullDay(date), [["the day is", words(view.days.status[at])], ["intervals held", wholePct(covered)]]),
        },
      });
    },
    table: (view) => table("Days by status and month", ["Month", ...wattlog.STATUS.map(words)],
      [...new Set(view.dates.map((date) => date.slice(0, 7)))].map((each) => [each, ...wattlog.STATUS.map((status) =>
        number(view.days.status.filter((found, at) => found === status && view.dates[at].startsWith(each)).length, 0))])),
  };

  /* ---- outages ---- */
  const outages = {
    id: "outages", title: "Outages", half: true, tall: true,
    isEmpty: (view) => !view.outages.length,
    says(view) {
      if (!view.site.has_battery) return "Outages are told by batteries alone, and this site has none.";
      if (!view.outages.length) return `No outage is known in ${view.year}.`;
      const seconds = view.outages.map((row) => row.duration);
      const longest = view.outages[extremes(seconds).most];
      return `${plural(view.outages.length, "outage")} in ${view.year}, ${duration(sum(seconds))} in all; the longest began on `
        + `${fullDay(longest.day)} at ${longest.time} and took ${duration(longest.duration)}.`;
    },
    option(view, theme, _, size) {
      const months = [...new Set(view.dates.map((date) => date.slice(0, 7)))];
      const rows = months.map((each) => view.outages.filter((row) => row.day.startsWith(each)));
      return frame(theme, size, {
        xAxis: monthAxis(theme, months), yAxis: valueAxis(theme, "hours without grid"),
        tooltip: {
          trigger: "axis",
          formatter: (params) => {
            const at = params[0].dataIndex;
            return tip(`${longMonth(months[at])} ${view.year}`, rows[at].length
              ? rows[at].map((row) => [`${wattlog.day(row.day)}, ${row.time}`, duration(row.duration), theme.import]) : [["no outage", ""]]);
          },
        },
        series: [{
          type: "bar", barMaxWidth: 44, itemStyle: { color: theme.import }, data: rows.map((each) => (sum(each.map((row) => row.duration)) ?? 0) / 3600),
          label: { show: true, position: "top", color: theme.ink, fontSize: size.narrow ? 9 : 11, formatter: ({ dataIndex }) => (rows[dataIndex].length ? `${rows[dataIndex].length}×` : "") },
        }],
      });
    },
    table: (view) => table("Outages", ["Day", "Began", "Took", "Home, kWh", "Battery gave, kWh", "Level before, %", "Level after, %"],
      view.outages.map((row) => [row.day, row.time, duration(row.duration), number(row.home, 2), number(row.battery_discharge, 2),
        number(row.soe_start, 0), number(row.soe_end, 0)])),
  };

  wattlog.time = { heatmap, soe, coverage, outages };
})();
