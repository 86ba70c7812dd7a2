/* How reliable each day is, and the grid outages. */
"use strict";

(() => {
  const {
    number,
    wholePct,
    fullDay,
    day,
    longMonthYear,
    time,
    duration,
    sum,
    extremes,
    isKnown,
    plural,
    words,
    tip,
    table,
    frame,
    valueAxis,
    monthAxis,
    el,
    MONTHS,
    WEEKDAYS,
  } = wattlog;

  /* ---- coverage ---- */
  const MEANING = {
    agreed: ["agreed", "", "two or more of Tesla's series agree"],
    single_source: ["single source", "●", "only one series has the day"],
    filled: ["filled", "✚", "the month series lacks the day; another series has it"],
    adjusted: ["adjusted", "◆", "series disagree; the more likely value is used"],
    provisional: ["provisional", "▲", "not final yet: fetched less than two days after its end"],
    missing: ["missing", "", "no series has the day"],
  };
  const SYMBOLS = {
    single_source: "circle",
    filled: "path://M4 0h4v4h4v4h-4v4h-4v-4h-4v-4h4z",
    adjusted: "diamond",
    provisional: "triangle",
  };

  /** A year is one row of weeks, or two on a narrow page, so that the squares stay large enough. */
  const halvesOf = ({ narrow }) => (narrow ? 2 : 1);
  const sideOf = (size) => Math.max(6, Math.min(20, (size.width - 52) / (size.narrow ? 27.5 : 54)));
  const GAP_PX = 30;

  const countOf = (view, status) => view.days.status.filter((other) => other === status).length;
  const present = (view) => wattlog.STATUS.filter((status) => countOf(view, status));

  const coverage = {
    id: "coverage",
    title: "How reliable each day is",
    summary(view) {
      const parts = present(view).map((status) => `${number(countOf(view, status), 0)} ${MEANING[status][0]}`);
      const partly = view.days.coverage_pct.filter(
        (value, at) => isKnown(value) && value < 100 && view.days.status[at] !== "missing",
      ).length;
      return (
        `${plural(view.dates.length, "day")} from ${fullDay(view.dates[0])} to ${fullDay(view.dates.at(-1))}: ${parts.join(", ")}. ` +
        (partly
          ? `Some intervals of ${plural(partly, "day")} are missing.`
          : "No stored day has missing intervals.")
      );
    },
    legend: (view, theme) =>
      present(view).map((status) =>
        el(
          "li",
          { title: MEANING[status][2] },
          el(
            "i",
            { mark: theme.status[status], "aria-hidden": "true", className: status === "missing" ? "outlined" : "" },
            MEANING[status][1],
          ),
          `${MEANING[status][0]}: ${MEANING[status][2]} (${countOf(view, status)})`,
        ),
      ),
    height: (size) => halvesOf(size) * (7 * sideOf(size) + GAP_PX) + 4,
    option(view, theme, _, size) {
      const halves = size.narrow
        ? [
            [`${view.year}-01-01`, `${view.year}-06-30`],
            [`${view.year}-07-01`, `${view.year}-12-31`],
          ]
        : [[`${view.year}-01-01`, `${view.year}-12-31`]];
      const side = sideOf(size);
      const calendar = (range, at) => ({
        range,
        left: 42,
        top: 24 + at * (7 * side + GAP_PX),
        cellSize: [side, side],
        splitLine: { lineStyle: { color: theme.strong, width: 1 } },
        itemStyle: { color: "transparent", borderColor: theme.line, borderWidth: 1 },
        dayLabel: { firstDay: 1, color: theme.muted, nameMap: WEEKDAYS.map((name, at) => (at % 2 ? name : "")) },
        monthLabel: { color: theme.muted, nameMap: MONTHS },
        yearLabel: { show: false },
      });
      const cell = Math.max(side - 2, 4);
      const points = (status, [from, to]) =>
        view.dates
          .map((date, at) => [date, view.days.coverage_pct[at], at])
          .filter(([date, , at]) => view.days.status[at] === status && date >= from && date <= to);
      const squares = halves.flatMap((range, calendarIndex) =>
        present(view).flatMap((status) => {
          const data = points(status, range);
          const shared = {
            type: "scatter",
            coordinateSystem: "calendar",
            calendarIndex,
            data,
            name: MEANING[status][0],
          };
          const outline =
            status === "missing" ? { borderColor: theme.strong, borderWidth: 1.5, borderType: "dashed" } : {};
          const square = {
            ...shared,
            symbol: "rect",
            symbolSize: cell,
            itemStyle: { color: theme.status[status], ...outline },
          };
          if (!SYMBOLS[status] || cell < 6) return [square];
          return [
            square,
            {
              ...shared,
              silent: true,
              symbol: SYMBOLS[status],
              symbolSize: cell * 0.55,
              itemStyle: { color: theme.glyph },
            },
          ];
        }),
      );
      return frame(theme, size, {
        grid: undefined,
        calendar: halves.map(calendar),
        series: squares,
        tooltip: {
          trigger: "item",
          formatter: ({ data: [date, covered, at] }) =>
            tip(fullDay(date), [
              ["the day is", words(view.days.status[at])],
              ["intervals stored", wholePct(covered)],
            ]),
        },
      });
    },
    table: (view) =>
      table(
        "Days by status and month",
        ["Month", ...wattlog.STATUS.map(words)],
        [...new Set(view.dates.map((date) => date.slice(0, 7)))].map((period) => [
          longMonthYear(period),
          ...wattlog.STATUS.map((status) =>
            number(
              view.days.status.filter((found, at) => found === status && view.dates[at].startsWith(period)).length,
              0,
            ),
          ),
        ]),
      ),
  };

  /* ---- outages ---- */

  /** All months from the first of the days to the last; the first outage may be before the first stored day. */
  function monthsOf(days) {
    const numbers = days.map((text) => Number(text.slice(5, 7))).sort((one, other) => one - other);
    const [first, last] = [numbers[0], numbers.at(-1)];
    const year = days[0].slice(0, 4);
    return Array.from({ length: last - first + 1 }, (_, at) => `${year}-${String(first + at).padStart(2, "0")}`);
  }

  const outages = {
    id: "outages",
    title: "Outages",
    half: true,
    tall: true,
    isEmpty: (view) => !view.outages.length,
    summary(view) {
      if (!view.site.has_battery) return "Only batteries report outages, and this site has none.";
      if (!view.outages.length) return `No outage is known in ${view.year}.`;
      const seconds = view.outages.map((row) => row.duration);
      const longest = view.outages[extremes(seconds).most];
      return (
        `${plural(view.outages.length, "outage")} in ${view.year}, ${duration(sum(seconds))} in all; the longest began on ` +
        `${fullDay(longest.day)} at ${time(longest.time)} and lasted ${duration(longest.duration)}.`
      );
    },
    option(view, theme, _, size) {
      const months = monthsOf([...view.dates, ...view.outages.map((row) => row.day)]);
      const rows = months.map((period) => view.outages.filter((row) => row.day.startsWith(period)));
      return frame(theme, size, {
        xAxis: monthAxis(theme, months),
        yAxis: valueAxis(theme, "hours without grid", { boundaryGap: [0, "8%"] }),
        tooltip: {
          trigger: "axis",
          formatter: (params) => {
            const at = params[0].dataIndex;
            return tip(
              longMonthYear(months[at]),
              rows[at].length
                ? rows[at].map((row) => [`${day(row.day)}, ${time(row.time)}`, duration(row.duration), theme.import])
                : [["no outage", ""]],
            );
          },
        },
        series: [
          {
            type: "bar",
            barMaxWidth: 44,
            itemStyle: { color: theme.import },
            data: rows.map((ofMonth) => (sum(ofMonth.map((row) => row.duration)) ?? 0) / 3600),
            label: {
              show: true,
              position: "top",
              color: theme.ink,
              fontSize: size.narrow ? 9 : 11,
              formatter: ({ dataIndex }) => (rows[dataIndex].length ? `${rows[dataIndex].length}×` : ""),
            },
          },
        ],
      });
    },
    table: (view) =>
      table(
        "Outages",
        ["Day", "Start", "Duration", "Home, kWh", "Battery discharge, kWh", "Level before, %", "Level after, %"],
        view.outages.map((row) => [
          fullDay(row.day),
          time(row.time),
          duration(row.duration),
          number(row.home, 2),
          number(row.battery_discharge, 2),
          number(row.soe_start, 0),
          number(row.soe_end, 0),
        ]),
      ),
  };

  Object.assign(wattlog.charts, { coverage, outages });
})();
