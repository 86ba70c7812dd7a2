/* Hour by hour, and the state of energy. */
"use strict";

(() => {
  const {
    number,
    kwh,
    kw,
    pct,
    wholePct,
    fullDay,
    month,
    hour,
    sum,
    has,
    extremes,
    isKnown,
    plural,
    tip,
    table,
    frame,
    withMissing,
    legend,
    valueAxis,
    dayAxis,
    NBSP,
  } = wattlog;

  /* ---- day × hour ---- */
  const MEASURES = {
    home: { text: "home", unit: "kW", scale: 100, show: kw, verb: "the home used" },
    solar: { text: "solar", unit: "kW", scale: 100, show: kw, verb: "the panels generated" },
    grid: {
      text: "grid (+ import, − export)",
      unit: "kW",
      scale: 100,
      show: kw,
      verb: "the grid supplied",
      isSigned: true,
    },
    battery: {
      text: "battery (+ discharge, − charge)",
      unit: "kW",
      scale: 100,
      show: kw,
      verb: "the battery discharged",
      isSigned: true,
    },
    soe: { text: "state of energy", unit: "%", scale: 1, show: wholePct, verb: "the battery stored" },
  };
  const measuresOf = (view) =>
    Object.keys(MEASURES).filter((name) => {
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

  /** The range of all values but the largest half percent, so that one extreme hour does not make the others pale. */
  function reach(values) {
    const sizes = values
      .filter(isKnown)
      .map(Math.abs)
      .sort((one, other) => one - other);
    return sizes[Math.min(sizes.length - 1, Math.floor(sizes.length * 0.995))] || 1;
  }

  const heatmap = {
    id: "hours",
    title: "Hour by hour",
    tall: true,
    isEmpty: (view) => !measuresOf(view).length,
    controls: (view) => [["measure", "Show", measuresOf(view).map((name) => [name, MEASURES[name].text])]],
    summary(view, { measure }) {
      if (!measure) return "No power is known in this year.";
      const { scale, unit, show, verb, text } = MEASURES[measure];
      const hours = profile(view.hours[measure]);
      const found = extremes(hours);
      const hourAndMean = (at) => `from ${hour(at)} (${show(hours[at] / scale)})`;
      return (
        `Mean ${unit === "%" ? "level" : "power"} of every hour (${text}); across is the day, down the hour of the site's ` +
        `clock. On average ${verb} most ${hourAndMean(found.most)}, least ${hourAndMean(found.least)}. Grey hours are not known.`
      );
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
        grid: {
          left: 4,
          right: 12,
          top: 8,
          bottom: 44,
          containLabel: true,
          show: true,
          backgroundColor: theme.absent,
          borderWidth: 0,
        },
        xAxis: dayAxis(theme, size, view.dates, { splitLine: { show: false } }),
        yAxis: {
          type: "category",
          data: hours,
          inverse: true,
          axisTick: { show: false },
          axisLine: { lineStyle: { color: theme.strong } },
          axisLabel: { color: theme.muted, interval: (at) => at % 6 === 0 },
        },
        visualMap: {
          type: "continuous",
          min: least,
          max: most,
          dimension: 2,
          orient: "horizontal",
          left: "center",
          bottom: 0,
          itemWidth: 12,
          itemHeight: size.narrow ? 130 : 220,
          calculable: false,
          hoverLink: false,
          textStyle: { color: theme.ink },
          text: [
            `${number(most, unit === "%" ? 0 : 1)}${NBSP}${unit}`,
            `${number(least, unit === "%" ? 0 : 1)}${NBSP}${unit}`,
          ],
          inRange: { color: isSigned ? theme.diverging : theme.heat },
        },
        tooltip: {
          trigger: "item",
          formatter: ({ data: [x, y, , value] }) =>
            tip(`${fullDay(view.dates[x])}, ${hours[y]}`, [[text, show(value)]]),
        },
        series: [
          {
            type: "heatmap",
            data,
            progressive: 0,
            itemStyle: { borderWidth: 0 },
            emphasis: { itemStyle: { borderColor: theme.ink, borderWidth: 1 } },
          },
        ],
      });
    },
    table(view, { measure }) {
      const { scale, unit, text } = MEASURES[measure];
      const months = [...new Set(view.dates.map((date) => date.slice(0, 7)))];
      const columns = months.map((period) =>
        profile(view.hours[measure].filter((_, at) => view.dates[Math.floor(at / 24)].startsWith(period))),
      );
      return table(
        `Mean ${text} by hour and month, ${unit}`,
        ["Hour", ...months.map((period) => `${month(period)}, ${unit}`)],
        Array.from({ length: 24 }, (_, at) => [
          hour(at),
          ...columns.map((values) => number(isKnown(values[at]) ? values[at] / scale : null, unit === "%" ? 0 : 2)),
        ]),
      );
    },
  };

  /* ---- state of energy ---- */
  const soe = {
    id: "state-of-energy",
    title: "State of energy",
    half: true,
    tall: true,
    isEmpty: (view) => !view.site.has_battery || !has(view.soe.soe_mean),
    summary(view) {
      if (!view.site.has_battery) return "This site has no battery.";
      const found = extremes(view.soe.soe_min);
      if (!found) return "No state of energy is known in this year.";
      const means = view.soe.soe_mean.filter(isKnown);
      const empty = view.soe.soe_min.filter((value) => isKnown(value) && value <= 50).length;
      const size = view.site.battery_kwh ? ` of ${kwh(view.site.battery_kwh)}` : "";
      const lowest = `${fullDay(view.dates[found.least])} (${pct(view.soe.soe_min[found.least] / 10)})`;
      const often = empty ? `On ${plural(empty, "day")} it` : "It never";
      return (
        `The battery${size} was at ${pct(sum(means) / means.length / 10)} on average, and lowest on ${lowest}. ` +
        `${often} fell to 5${NBSP}% or below.`
      );
    },
    option(view, theme, _, size) {
      const share = (value) => (isKnown(value) ? value / 10 : null);
      const { soe_min: low, soe_mean: mean, soe_max: high } = view.soe;
      const single = view.dates.length === 1;
      const line = { type: "line", symbol: single ? "circle" : "none", symbolSize: 8, connectNulls: false };
      return frame(theme, size, {
        legend: legend(theme, size, { data: ["lowest to highest", "mean of the day", "no data"] }),
        xAxis: dayAxis(theme, size, view.dates, { boundaryGap: single }),
        tooltip: {
          trigger: "axis",
          axisPointer: { type: "line" },
          formatter: (params) => {
            const at = params[0].dataIndex;
            return tip(fullDay(view.dates[at]), [
              ["highest", pct(share(high[at]))],
              ["mean", pct(share(mean[at])), theme.battery],
              ["lowest", pct(share(low[at]))],
            ]);
          },
        },
        ...withMissing(
          theme,
          valueAxis(theme, "% of the battery's energy", { min: 0, max: 100 }),
          [
            {
              ...line,
              name: "lowest",
              stack: "range",
              lineStyle: { opacity: 0 },
              itemStyle: { opacity: 0 },
              data: low.map(share),
            },
            {
              ...line,
              name: "lowest to highest",
              stack: "range",
              lineStyle: { opacity: 0 },
              itemStyle: { color: theme.charge },
              areaStyle: { color: theme.charge, opacity: 0.35 },
              data: low.map((value, at) => (isKnown(value) ? share(high[at] - value) : null)),
            },
            {
              ...line,
              name: "mean of the day",
              lineStyle: { width: 2, color: theme.battery },
              itemStyle: { color: theme.battery },
              data: mean.map(share),
            },
          ],
          low.map((value) => !isKnown(value)),
        ),
      });
    },
    table: (view) =>
      table(
        "State of energy by day",
        ["Day", "Lowest, %", "Mean, %", "Highest, %"],
        view.dates.map((date, at) => [
          fullDay(date),
          ...["soe_min", "soe_mean", "soe_max"].map((name) =>
            number(isKnown(view.soe[name][at]) ? view.soe[name][at] / 10 : null),
          ),
        ]),
      ),
  };

  Object.assign(wattlog.charts, { heatmap, soe });
})();
