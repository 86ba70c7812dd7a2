/* The SQL view: a statement, its rows as a table and a chart, and the dictionary beside it. */
"use strict";

(() => {
  const { el, theme, table, frame, legend, valueAxis, number, plural, client } = wattlog;
  const FIRST = "select local_date, solar_kwh, home_kwh, grid_import_kwh\nfrom analytics.daily\norder by local_date desc\nlimit 31";
  const MOST_BARS = 400;

  function dictionaryOf(found) {
    return el(
      "div",
      { className: "dictionary", tabIndex: 0, role: "region", "aria-label": "Dictionary" },
      ...found.relations.map((relation) =>
        el(
          "details",
          {},
          el("summary", {}, relation.name),
          el("p", {}, relation.grain),
          el(
            "dl",
            {},
            ...relation.columns.flatMap((column) => [
              el("dt", {}, `${column.name} ${column.type}`),
              el("dd", {}, column.description),
            ]),
          ),
        ),
      ),
    );
  }

  /** Numbers by the first column that has none; rows in their order. */
  function chartOption(found, size) {
    const colours = theme();
    const at = Math.max(0, found.is_number.indexOf(false));
    const numbers = found.columns.map((_, column) => column).filter((column) => found.is_number[column] && column !== at);
    const rows = found.rows.slice(0, MOST_BARS);
    return frame(colours, size, {
      color: [colours.accent, colours.solar, colours.home, colours.battery, colours.import, colours.car, colours.export, colours.charge],
      legend: legend(colours, size, { type: "scroll" }),
      xAxis: {
        type: "category",
        data: rows.map((row) => row[at] ?? "–"),
        axisLabel: { color: colours.muted, hideOverlap: true },
        axisLine: { lineStyle: { color: colours.strong } },
      },
      yAxis: valueAxis(colours, ""),
      tooltip: { trigger: "axis" },
      series: numbers.slice(0, 8).map((column) => ({
        name: found.columns[column],
        type: rows.length > 60 ? "line" : "bar",
        symbol: "none",
        data: rows.map((row) => (row[column] === null ? null : Number(row[column]))),
      })),
    });
  }

  /** A file of the rows that are shown. */
  function csvOf(found) {
    const quoted = (text) => (text === null ? "" : /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    return [found.columns, ...found.rows].map((row) => row.map(quoted).join(",")).join("\n") + "\n";
  }

  /** The view. `state.sql` is the statement; `changed` is called with the one that is run. */
  function statements(found, state, { changed }) {
    const input = el("textarea", { id: "sql", spellcheck: false, value: state.sql ?? FIRST });
    const run = el("button", { type: "button", id: "run" }, "Run");
    const save = el("button", { type: "button", hidden: true }, "Save as CSV");
    const said = el("p", { className: "summary", id: "sql-said", role: "status" });
    const result = el("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": "Rows", hidden: true });
    const canvas = el("div", { className: "chart", role: "img", "aria-label": "The rows as a chart", hidden: true });
    const examples = el(
      "select",
      {},
      el("option", { value: "" }, "Examples"),
      ...found.examples.map((example) => el("option", { value: example.name }, example.purpose)),
    );
    let chart = null;
    let answer = null;

    function draw() {
      if (canvas.hidden || !globalThis.echarts) return;
      const size = { width: canvas.clientWidth, narrow: canvas.clientWidth < 480 };
      chart ??= echarts.init(canvas, null, { renderer: "svg" });
      chart.resize({ width: size.width, height: "auto" });
      chart.setOption(chartOption(answer, size), { notMerge: true });
    }

    async function start() {
      run.disabled = true;
      said.textContent = "Running …";
      try {
        answer = await client.run(input.value);
        const text = answer.is_number.flatMap((is, at) => (is || at === 0 ? [] : [at]));
        result.replaceChildren(table("Rows", answer.columns, answer.rows.map((row) => row.map((value) => value ?? "–")), { text }));
        said.textContent =
          `${plural(answer.rows.length, "row")}${answer.has_more ? "; there are more, which wattlog sql --out FILE writes" : ""}.` +
          (answer.rows.length > MOST_BARS ? ` The chart has the first ${number(MOST_BARS, 0)}.` : "");
        result.hidden = save.hidden = false;
        canvas.hidden = !answer.rows.length || !answer.is_number.some((is, at) => is && (at > 0 || answer.is_number.includes(false)));
        draw();
        changed(input.value);
      } catch (error) {
        said.textContent = error.message;
        result.hidden = canvas.hidden = save.hidden = true;
      }
      run.disabled = false;
    }

    run.addEventListener("click", start);
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) start();
    });
    examples.addEventListener("change", () => {
      const [example] = found.examples.filter(({ name }) => name === examples.value);
      if (example) input.value = example.sql;
    });
    save.addEventListener("click", () => {
      const link = el("a", { href: URL.createObjectURL(new Blob([csvOf(answer)], { type: "text/csv" })), download: "rows.csv" });
      link.click();
      URL.revokeObjectURL(link.href);
    });
    const root = el(
      "section",
      { id: "statement", "aria-labelledby": "statement-title" },
      el("header", {}, el("h2", { id: "statement-title" }, "One SELECT, read-only"), el("label", {}, "Take", examples)),
      el(
        "div",
        { className: "sql" },
        el(
          "div",
          {},
          el("label", { className: "unseen", htmlFor: "sql" }, "Statement"),
          input,
          el("div", { className: "controls" }, run, save, el("span", { className: "summary" }, "Ctrl+Enter runs it, too.")),
          said,
          canvas,
          result,
        ),
        el("div", {}, el("h2", {}, "Tables and models"), dictionaryOf(found)),
      ),
    );
    return { root, redraw: draw, dispose: () => chart?.dispose(), start };
  }

  wattlog.statements = statements;
})();
