/* Energy day by day, and charging of cars. */
"use strict";

(() => {
  const {
    number,
    kwh,
    fullDay,
    longMonth,
    longMonthYear,
    sum,
    toKwh,
    extremes,
    isKnown,
    plural,
    words,
    tip,
    table,
    frame,
    legend,
    valueAxis,
    dayAxis,
    monthAxis,
    known,
    percent,
    NBSP,
    STACKS,
    VERBS,
    stacksOf,
    stackOption,
  } = wattlog;

  /* ---- days ---- */
  function window(view, months) {
    const at = view.dates
      .map((_, index) => index)
      .filter((index) => months === "all" || view.dates[index].slice(5, 7) === months);
    return { dates: at.map((index) => view.dates[index]), pick: (values) => at.map((index) => values[index]) };
  }

  const daily = {
    id: "days",
    title: "Day by day",
    isEmpty: (view) => !stacksOf(view).length,
    controls: (view) => [
      ["stack", "Show", stacksOf(view).map((name) => [name, STACKS[name][0]])],
      [
        "month",
        "Days of",
        [
          ["all", "the whole year"],
          ...[...new Set(view.dates.map((date) => date.slice(0, 7)))].map((text) => [text.slice(5), longMonth(text)]),
        ],
      ],
    ],
    summary(view, { stack, month: chosen }) {
      if (!stack) return "No energy is known in this year.";
      const { dates, pick } = window(view, chosen);
      const values = pick(view.days[STACKS[stack][1]]);
      const found = extremes(values);
      if (!found) return "No energy is known for these days.";
      const count = values.filter(isKnown).length;
      const all = toKwh(sum(values));
      const range =
        count > 1
          ? `, ${kwh(all / count)} a day; most on ${fullDay(dates[found.most])} ` +
            `(${kwh(toKwh(values[found.most]))}), least on ${fullDay(dates[found.least])} (${kwh(toKwh(values[found.least]))})`
          : "";
      const missing = pick(view.days.status).filter((status) => status === "missing").length;
      return (
        `${VERBS[stack]} ${kwh(all)} in ${plural(count, "day")}${range}.` +
        (missing ? ` ${plural(missing, "day")} without data ${missing === 1 ? "is" : "are"} shaded.` : "")
      );
    },
    option(view, theme, { stack, month: chosen }, size) {
      const { dates, pick } = window(view, chosen);
      const statuses = pick(view.days.status);
      return stackOption(theme, size, {
        stack,
        valuesOf: (name) => pick(view.days[name]),
        axis: dayAxis(theme, size, dates),
        unit: "kWh a day",
        heading: (at) => fullDay(dates[at]),
        more: (at) => [["day is", words(statuses[at])]],
        isMissing: statuses.map((status) => status === "missing"),
      });
    },
    table(view, { stack, month: chosen }) {
      const { dates, pick } = window(view, chosen);
      const parts = STACKS[stack][2];
      const columns = parts.map(([name]) => pick(view.days[name]));
      const statuses = pick(view.days.status);
      return table(
        STACKS[stack][0],
        ["Day", ...parts.map(([, name]) => `${name}, kWh`), "Status"],
        dates.map((date, at) => [fullDay(date), ...columns.map((values) => number(toKwh(values[at]), 2)), words(statuses[at])]),
        { text: [parts.length + 1] },
      );
    },
  };

  /* ---- cars ---- */
  /** Q119: load_power, and the energy of the home with it. */
  const WITH_CARS = "Home use includes what the wall connectors give; the Tesla app shows the home without it.";

  const cars = {
    id: "cars",
    title: "Cars",
    half: true,
    tall: true,
    isEmpty: (view) => !view.charging.length,
    summary(view) {
      const ev = sum(view.charging.map((row) => row.ev));
      if (ev === null) {
        return view.site.wall_connectors
          ? `No charge session is known in ${view.year}. ${WITH_CARS}`
          : "This site has no wall connector: charging of cars is part of home use.";
      }
      const sessions = sum(view.charging.map((row) => row.sessions));
      const share = known(view.total.home, ev);
      const ofHome = share === null ? "" : `, ${percent(share)} of home use`;
      return `Cars charged ${kwh(ev)} in ${plural(sessions, "session")}${ofHome}. ${WITH_CARS}`;
    },
    option(view, theme, _, size) {
      const charges = (row) => view.charging.find((charged) => charged.month === row.month);
      const shown = view.months.filter((row) => row.days_stored > 0 || charges(row));
      const rows = shown.map((row) => {
        const charged = charges(row);
        const ev = charged?.ev ?? 0;
        return {
          ...row,
          ev,
          sessions: charged?.sessions ?? 0,
          rest: isKnown(row.home) ? Math.max(row.home - ev, 0) : null,
          share: known(row.home, ev),
        };
      });
      const bar = { type: "bar", stack: "home", barMaxWidth: 44 };
      return frame(theme, size, {
        legend: legend(theme, size),
        xAxis: monthAxis(
          theme,
          rows.map((row) => row.month),
        ),
        yAxis: valueAxis(theme, "kWh a month", { boundaryGap: [0, "8%"] }),
        tooltip: {
          trigger: "axis",
          formatter: (params) => {
            const row = rows[params[0].dataIndex];
            return tip(longMonthYear(row.month), [
              ["cars", kwh(row.ev), theme.car],
              ["rest of the home", kwh(row.rest), theme.home],
              ["share of cars", percent(row.share)],
              ["sessions", number(row.sessions, 0)],
            ]);
          },
        },
        series: [
          { ...bar, name: "cars", itemStyle: { color: theme.car }, data: rows.map((row) => row.ev) },
          {
            ...bar,
            name: "rest of the home",
            itemStyle: { color: theme.home },
            data: rows.map((row) => row.rest),
            label: {
              show: true,
              position: "top",
              color: theme.ink,
              fontSize: size.narrow ? 9 : 11,
              formatter: ({ dataIndex }) =>
                rows[dataIndex].share === null
                  ? ""
                  : `${number(100 * rows[dataIndex].share, 0)}${size.narrow ? "" : NBSP}%`,
            },
          },
        ],
      });
    },
    table: (view) =>
      table(
        "Charging by month",
        ["Month", "Cars, kWh", "Sessions", "Hours"],
        view.charging.map((row) => [longMonthYear(row.month), number(row.ev), number(row.sessions, 0), number(row.hours)]),
      ),
  };

  Object.assign(wattlog.charts, { daily, cars });
})();
