/* Energy by period, stacked by source or by use; of days, and of any other periods. */
"use strict";

(() => {
  const { number, kwh, toKwh, has, isKnown, tip, frame, withMissing, legend, valueAxis } = wattlog;

  /* Stack → title, its total, and its parts: column, name, colour, sign. */
  const STACKS = {
    home: [
      "Home, by where it came from",
      "home",
      [
        ["solar_to_home", "from solar", "solar"],
        ["battery_to_home", "from battery", "battery"],
        ["grid_to_home", "from grid", "import"],
        ["generator_to_home", "from generator", "generator"],
      ],
    ],
    solar: [
      "Solar, by where it went",
      "solar",
      [
        ["solar_to_home", "to home", "home"],
        ["solar_to_battery", "to battery", "charge"],
        ["solar_to_grid", "to grid", "export"],
      ],
    ],
    generated: ["Solar", "solar", [["solar", "solar", "solar"]]],
    grid: [
      "Grid import and export",
      "grid_import",
      [
        ["grid_import", "import", "import"],
        ["grid_export", "export", "export", -1],
      ],
    ],
    battery: [
      "Battery discharge and charge",
      "battery_discharge",
      [
        ["battery_discharge", "discharge", "battery"],
        ["battery_charge", "charge", "charge", -1],
      ],
    ],
  };
  const VERBS = {
    home: "The home used",
    solar: "The panels generated",
    generated: "The panels generated",
    grid: "The grid supplied",
    battery: "The battery discharged",
  };

  function stacksOf(view) {
    const offered = [];
    if (view.hasFlows) offered.push("home");
    if (isKnown(view.total.solar) && (view.total.solar > 0 || view.site.has_solar))
      offered.push(view.hasFlows ? "solar" : "generated");
    if (view.hasFlows && (view.total.grid_import > 0 || view.total.grid_export > 0)) offered.push("grid");
    if (view.site.has_battery && isKnown(view.total.battery_discharge)) offered.push("battery");
    return offered;
  }

  /**
   * The option of a chart of stacked bars.
   *
   * `valuesOf(name)` are Wh, one for each period on `axis`; `heading(at)` and `more(at)` are parts of a period's tooltip.
   */
  function stackOption(theme, size, { stack, valuesOf, axis, unit, heading, more, isMissing }) {
    const parts = STACKS[stack][2].filter(([name]) => valuesOf(name).some((value) => value > 0));
    const shown = parts.length ? parts : STACKS[stack][2].filter(([name]) => has(valuesOf(name)));
    const values = shown.map(([name]) => valuesOf(name));
    const unsigned = (value) => number(Math.abs(value), value % 1 ? 1 : 0);
    const yAxis = valueAxis(theme, unit, { axisLabel: { color: theme.muted, formatter: unsigned } });
    return frame(theme, size, {
      legend: legend(theme, size),
      xAxis: axis,
      tooltip: {
        trigger: "axis",
        formatter: (params) => {
          const at = params[0].dataIndex;
          return tip(heading(at), [
            ...shown.map(([, name, colour], part) => [name, kwh(toKwh(values[part][at])), theme[colour]]),
            ...more(at),
          ]);
        },
      },
      ...withMissing(
        theme,
        yAxis,
        shown.map(([, name, colour, sign = 1], part) => ({
          name,
          type: "bar",
          stack: "day",
          barMaxWidth: 36,
          barWidth: axis.data.length > 62 ? "88%" : "70%",
          barGap: "-100%",
          itemStyle: { color: theme[colour] },
          data: values[part].map((value) => (isKnown(value) ? sign * toKwh(value) : null)),
        })),
        isMissing,
      ),
    });
  }

  Object.assign(wattlog, { STACKS, VERBS, stacksOf, stackOption });
})();
