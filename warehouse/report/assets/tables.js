/* Months compared with Tesla's figures, and where Tesla's figures disagree. */
"use strict";

(() => {
  const {
    number,
    signed,
    kwh,
    roundKwh,
    el,
    sum,
    isKnown,
    plural,
    words,
    month,
    longMonth,
    fullDay,
    time,
    percent,
    table,
    frame,
    valueAxis,
    tip,
  } = wattlog;
  const MEASURES = [
    ["solar", "Solar"],
    ["home", "Home"],
    ["grid_import", "Import"],
    ["grid_export", "Export"],
  ];
  /** Whether Tesla's figure of a month is off by more than the tolerance. */
  const differs = ({ month_tolerance: allowed }, row, name) => {
    const difference = row[`tesla_${name}_difference`];
    return isKnown(difference) && Math.abs(difference) > Math.max(allowed.kwh, allowed.share * Math.abs(row[`tesla_${name}`]));
  };

  const cells = (view, row, name) => [
    el("td", { className: "begins" }, number(row[name])),
    el("td", {}, number(row[`tesla_${name}`])),
    el(
      "td",
      { className: differs(view, row, name) ? "differs" : "" },
      signed(row[`tesla_${name}_difference`]) + (differs(view, row, name) ? " ≠" : ""),
    ),
  ];

  /** Sums of the known values; a difference only where every month has one. */
  function totals(rows) {
    const differences = (name) => rows.map((row) => row[`tesla_${name}_difference`]);
    return Object.fromEntries(
      MEASURES.flatMap(([name]) => [
        [name, sum(rows.map((row) => row[name]))],
        [`tesla_${name}`, sum(rows.map((row) => row[`tesla_${name}`]))],
        [`tesla_${name}_difference`, differences(name).every(isKnown) ? sum(differences(name)) : null],
      ]),
    );
  }

  const months = {
    id: "months",
    title: "Months compared with Tesla's figures",
    isTable: true,
    summary(view) {
      const compared = view.months.filter((row) => MEASURES.some(([name]) => isKnown(row[`tesla_${name}_difference`])));
      const odd = compared.filter((row) => MEASURES.some(([name]) => differs(view, row, name)));
      if (!compared.length)
        return "In kWh. Nothing is compared: no month has a figure from Tesla and values for all of its days.";
      const agreed =
        compared.length === 1 ? "The month compared agrees" : `All ${compared.length} months compared agree`;
      const differing = `${odd.length === 1 ? "one differs" : `${odd.length} differ`} by more than ${percent(view.month_tolerance.share)} (≠)`;
      const verdict = odd.length
        ? `Of ${plural(compared.length, "month")} compared ${differing}: ${odd.map((row) => month(row.month)).join(", ")}.`
        : `${agreed}.`;
      return `In kWh. The difference is Tesla's figure minus the sum of the days. ${verdict}`;
    },
    table(view) {
      const group = el(
        "tr",
        {},
        el("th", { scope: "col", rowSpan: 2, className: "text" }, "Month"),
        el("th", { scope: "col", rowSpan: 2 }, "Days"),
        ...MEASURES.map(([, text]) => el("th", { scope: "colgroup", colSpan: 3, className: "group begins" }, text)),
      );
      const names = el(
        "tr",
        {},
        ...MEASURES.flatMap(() => [
          el("th", { scope: "col", className: "begins" }, "days"),
          el("th", { scope: "col" }, "Tesla"),
          el("th", { scope: "col", title: "Tesla's figure minus the sum of the days" }, "diff."),
        ]),
      );
      const line = (heading, days, row) =>
        el(
          "tr",
          {},
          el("th", { scope: "row" }, heading),
          el("td", {}, days),
          ...MEASURES.flatMap(([name]) => cells(view, row, name)),
        );
      const stored = (row) => (row.days_stored === row.days ? number(row.days, 0) : `${number(row.days_stored, 0)} of ${number(row.days, 0)}`);
      const of = (row) => (row.days_imported ? `${stored(row)}, ${row.days_imported} imported` : stored(row));
      const all = {
        days: sum(view.months.map((row) => row.days)),
        days_stored: sum(view.months.map((row) => row.days_stored)),
        days_imported: sum(view.months.map((row) => row.days_imported)),
      };
      return el(
        "table",
        { className: "months" },
        el("caption", { className: "unseen" }, "Each month in kWh, compared with Tesla's figure"),
        el("thead", {}, group, names),
        el("tbody", {}, ...view.months.map((row) => line(longMonth(row.month), of(row), row))),
        el("tfoot", {}, line("Year", of(all), totals(view.months))),
      );
    },
  };

  /* ---- differences ---- */
  const byCause = (view) => {
    const found = new Map();
    for (const row of view.causes) found.set(row.cause, (found.get(row.cause) ?? 0) + row.differences);
    return [...found].sort((one, other) => other[1] - one[1]);
  };
  const differences = {
    id: "differences",
    title: "Where Tesla's figures disagree",
    isEmpty: (view) => !view.causes.length,
    height: (_, view) => 70 + 34 * byCause(view).length,
    summary(view) {
      const count = sum(view.causes.map((row) => row.differences)) ?? 0;
      if (!view.comparisons) return `Nothing in ${view.year} has been compared yet.`;
      if (!count) return `All ${number(view.comparisons, 0)} comparisons in ${view.year} agree.`;
      const causes = byCause(view).map(
        ([cause, ofCause]) => `${words(cause)} (${view.cause_sentences[cause]}): ${number(ofCause, 0)}`,
      );
      return `${number(count, 0)} of ${number(view.comparisons, 0)} comparisons disagree. ${causes.join("; ")}.`;
    },
    option(view, theme, _, size) {
      const rows = byCause(view);
      return frame(theme, size, {
        grid: { left: 16, right: 44, top: 8, bottom: 34, containLabel: true },
        xAxis: valueAxis(theme, "comparisons that disagree", {
          nameLocation: "middle",
          nameGap: 26,
          minInterval: 1,
          nameTextStyle: { color: theme.muted },
        }),
        yAxis: {
          type: "category",
          inverse: true,
          data: rows.map(([cause]) => words(cause)),
          axisLabel: { color: theme.ink },
          axisTick: { show: false },
          axisLine: { lineStyle: { color: theme.strong } },
        },
        tooltip: {
          trigger: "item",
          formatter: ({ dataIndex }) =>
            tip(words(rows[dataIndex][0]), [
              [view.cause_sentences[rows[dataIndex][0]], number(rows[dataIndex][1], 0), theme.adjusted],
            ]),
        },
        series: [
          {
            type: "bar",
            barMaxWidth: 20,
            itemStyle: { color: theme.accent },
            data: rows.map(([, count]) => count),
            label: { show: true, position: "right", color: theme.ink, formatter: ({ value }) => number(value, 0) },
          },
        ],
      });
    },
    table(view) {
      const all = sum(view.causes.map((row) => row.differences));
      const rows = view.differences;
      const made = table(
        "Differences one by one",
        [
          "Start",
          "Period",
          "Comparison",
          "Measure",
          "First source, kWh",
          "Second source, kWh",
          "Difference, kWh",
          "Sources",
          "Cause",
        ],
        rows.map((row) => [
          fullDay(row.day),
          row.granularity,
          words(row.check_name),
          words(row.measure.replace(/_wh$/, "")),
          number(row.left_value, 3),
          number(row.right_value, 3),
          signed(row.difference),
          `${row.left_source} · ${row.right_source}`,
          row.diverges_at ? `${words(row.cause)}, since ${time(row.diverges_at)}` : words(row.cause),
        ]),
        { text: [1, 2, 3, 7, 8] },
      );
      if (all > rows.length) {
        made.caption.className = "";
        made.caption.textContent =
          `The ${rows.length} largest of ${number(all, 0)}; ` +
          'wattlog sql "select * from analytics.disagreements" shows all.';
      }
      return made;
    },
  };

  /* ---- the year in numbers ---- */
  function tiles(view) {
    const { total, shares } = view;
    const perDay = (name) => {
      const count = view.days[name].filter(isKnown).length;
      return isKnown(total[name]) && count > 1 ? `${kwh(total[name] / count)} a day` : "";
    };
    const energy = (text, name, colour) => [text, roundKwh(total[name]), perDay(name), colour];
    const share = (text, name, colour, why) => [
      text,
      isKnown(shares?.[name]) ? wattlog.pct(shares[name]) : "not known",
      why,
      colour,
    ];
    const made = [];
    if (total.solar > 0 || view.site.has_solar) made.push(energy("Solar", "solar", "solar"));
    made.push(
      energy("Home", "home", "home"),
      energy("From the grid", "grid_import", "import"),
      energy("To the grid", "grid_export", "export"),
    );
    if (view.site.has_battery) made.push(energy("From the battery", "battery_discharge", "battery"));
    if (total.generator > 0) made.push(energy("Generator", "generator", "generator"));
    if (view.hasFlows) {
      made.push(share("Self-sufficiency", "self_sufficiency", "battery", "of the home"));
      if (total.solar > 0) made.push(share("Self-consumption", "self_consumption", "solar", "of the solar energy"));
    }
    return made;
  }

  Object.assign(wattlog.charts, { months, differences });
  wattlog.tiles = tiles;
})();
