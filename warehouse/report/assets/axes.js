/* What all charts share: axes with units, tooltips, stretches of missing days. */
"use strict";

(() => {
  const { el, fullDay, month, day, holes, tip } = wattlog;
  const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';

  /** The frame of an option: text, tooltip, and no animation, so that what is printed is what is seen. */
  function frame(theme, { narrow }, more) {
    return {
      animation: false,
      textStyle: { color: theme.ink, fontFamily: FONT, fontSize: narrow ? 11 : 12 },
      grid: { left: 4, right: 12, top: 34, bottom: 30, containLabel: true },
      ...more,
      tooltip: {
        confine: true, backgroundColor: theme.surface, borderColor: theme.strong, textStyle: { color: theme.ink },
        axisPointer: { type: "shadow", shadowStyle: { color: theme.strong, opacity: 0.18 } }, ...more.tooltip,
      },
    };
  }

  function legend(theme, { narrow }, more = {}) {
    return {
      bottom: 0, itemWidth: 16, itemHeight: 11, itemGap: narrow ? 10 : 18, textStyle: { color: theme.ink },
      inactiveColor: theme.strong, icon: "roundRect", ...more,
    };
  }

  function valueAxis(theme, name, more = {}) {
    return {
      type: "value", name, nameLocation: "end", nameGap: 12, nameTextStyle: { color: theme.muted, align: "left" },
      axisLabel: { color: theme.muted }, splitLine: { lineStyle: { color: theme.line } }, ...more,
    };
  }

  /** Days as categories: months are named where they begin, days where there are few. */
  function dayAxis(theme, dates, more = {}) {
    const isLong = dates.length > 62;
    const step = Math.max(1, Math.ceil(dates.length / 6));
    const isNamed = (at, text) => (isLong ? text.endsWith("-01") : at % step === 0);
    return {
      type: "category", data: dates, axisTick: { show: true, interval: isNamed, lineStyle: { color: theme.strong } },
      axisLine: { lineStyle: { color: theme.strong } },
      axisLabel: { color: theme.muted, interval: isNamed, hideOverlap: true, formatter: isLong ? month : day }, ...more,
    };
  }

  function monthAxis(theme, months, more = {}) {
    return {
      type: "category", data: months, axisTick: { show: false }, axisLine: { lineStyle: { color: theme.strong } },
      axisLabel: { color: theme.muted, hideOverlap: true, formatter: month }, ...more,
    };
  }

  /** Days without data as shaded stretches: a hole is not a zero. */
  function missing(theme, statuses, dates) {
    const data = holes(statuses).map(([from, to]) => [{ xAxis: dates[from] }, { xAxis: dates[to] }]);
    if (!data.length) return [];
    return [{
      name: "No data", type: "bar", data: [], itemStyle: { color: theme.absent },
      markArea: { silent: true, itemStyle: { color: theme.absent, opacity: 0.75 }, data },
    }];
  }

  /** A tooltip over all series at a day. */
  const dayTip = (unit, lines) => (params) => {
    const at = params[0]?.dataIndex;
    return at === undefined ? "" : tip(fullDay(params[0].axisValue), lines(at, params));
  };

  /** A table: head as names, rows as texts; the first column is each row's heading. */
  function table(caption, head, rows, { foot = null, text = [] } = {}) {
    const kind = (at) => (text.includes(at) ? "text" : "");
    const line = (cells) => el("tr", {},
      ...cells.map((cell, at) => (at === 0 ? el("th", { scope: "row" }, cell) : el("td", { className: kind(at) }, cell))));
    return el("table", {}, el("caption", { className: "unseen" }, caption),
      el("thead", {}, el("tr", {}, ...head.map((name, at) => el("th", { scope: "col", className: at ? kind(at) : "text" }, name)))),
      el("tbody", {}, ...rows.map(line)), ...(foot ? [el("tfoot", {}, line(foot))] : []));
  }

  Object.assign(wattlog, { frame, legend, valueAxis, dayAxis, monthAxis, missing, dayTip, table });
})();
