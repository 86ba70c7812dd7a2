/* Shared by all charts: axes with units, tooltips, marks for missing days. */
"use strict";

(() => {
  const { el, month, day, plain } = wattlog;
  const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';

  /** The number of lines of a legend; a letter is about six pixels wide. */
  function legendLines(series, { width, narrow }) {
    const needed = series.map(({ name }) => (name ? 6.3 * name.length + 24 + (narrow ? 10 : 18) : 0));
    return Math.ceil(needed.reduce((total, pixels) => total + pixels, 0) / (width - 20));
  }

  /** What all options have: text, tooltip, and no animation, so that print and screen show the same. */
  function frame(theme, size, more) {
    const bottom = more.legend ? 10 + 20 * legendLines(more.series, size) : 6;
    return {
      animation: false,
      textStyle: { color: theme.ink, fontFamily: FONT, fontSize: size.narrow ? 11 : 12 },
      grid: { left: 4, right: 12, top: 34, bottom, containLabel: true },
      ...more,
      tooltip: {
        confine: true,
        backgroundColor: theme.surface,
        borderColor: theme.strong,
        textStyle: { color: theme.ink },
        axisPointer: { type: "shadow", shadowStyle: { color: theme.strong, opacity: 0.18 } },
        ...more.tooltip,
      },
    };
  }

  const QUARTERS = ["01", "04", "07", "10"];

  function legend(theme, { narrow }, more = {}) {
    return {
      bottom: 0,
      itemWidth: 16,
      itemHeight: 11,
      itemGap: narrow ? 10 : 18,
      textStyle: { color: theme.ink },
      inactiveColor: theme.strong,
      icon: "roundRect",
      ...more,
    };
  }

  function valueAxis(theme, name, more = {}) {
    return {
      type: "value",
      name,
      nameLocation: "end",
      nameGap: 12,
      nameTextStyle: { color: theme.muted, align: "left" },
      axisLabel: { color: theme.muted, formatter: plain },
      splitLine: { lineStyle: { color: theme.line } },
      ...more,
    };
  }

  /** Days as categories. Long axes name the months, short ones the days. */
  function dayAxis(theme, { narrow }, dates, more = {}) {
    const isLong = dates.length > 62;
    const step = Math.max(1, Math.ceil(dates.length / (narrow ? 4 : 8)));
    const isMarked = (at, text) => (isLong ? text.endsWith("-01") : at % step === 0);
    const isNamed = (at, text) =>
      isMarked(at, text) && (!isLong || !narrow || QUARTERS.includes(text.slice(5, 7)) || dates.length < 150);
    return {
      type: "category",
      data: dates,
      axisTick: { show: true, interval: isMarked, lineStyle: { color: theme.strong } },
      axisLine: { lineStyle: { color: theme.strong } },
      axisLabel: { color: theme.muted, interval: isNamed, hideOverlap: true, formatter: isLong ? month : day },
      ...more,
    };
  }

  function monthAxis(theme, months, more = {}) {
    return {
      type: "category",
      data: months,
      axisTick: { show: false },
      axisLine: { lineStyle: { color: theme.strong } },
      axisLabel: { color: theme.muted, hideOverlap: true, formatter: month },
      ...more,
    };
  }

  /** Missing days as bars of full height on a separate axis, since a missing value is not a zero. */
  function withMissing(theme, yAxis, series, isMissing) {
    if (!isMissing.some(Boolean)) return { yAxis, series };
    const missing = {
      name: "no data",
      type: "bar",
      yAxisIndex: 1,
      barWidth: "100%",
      barGap: "-100%",
      silent: true,
      z: 1,
      itemStyle: { color: theme.absent, opacity: 1 },
      data: isMissing.map((is) => (is ? 1 : null)),
    };
    return {
      yAxis: [yAxis, { type: "value", show: false, min: 0, max: 1, axisLabel: { show: false } }],
      series: [...series, missing],
    };
  }

  /** A table from column names and rows of text; the first column is the heading of its row. */
  function table(caption, head, rows, { foot = null, text = [] } = {}) {
    const kind = (at) => (text.includes(at) ? "text" : "");
    const line = (cells) =>
      el(
        "tr",
        {},
        ...cells.map((cell, at) =>
          at === 0 ? el("th", { scope: "row" }, cell) : el("td", { className: kind(at) }, cell),
        ),
      );
    return el(
      "table",
      {},
      el("caption", { className: "unseen" }, caption),
      el(
        "thead",
        {},
        el("tr", {}, ...head.map((name, at) => el("th", { scope: "col", className: at ? kind(at) : "text" }, name))),
      ),
      el("tbody", {}, ...rows.map(line)),
      ...(foot ? [el("tfoot", {}, line(foot))] : []),
    );
  }

  Object.assign(wattlog, { frame, legend, valueAxis, dayAxis, monthAxis, withMissing, table });
})();
