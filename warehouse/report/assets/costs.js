/* What energy cost: the year in money, bills, cost by label, what alternatives would have cost, and public charging. */
"use strict";

(() => {
  const { NBSP, number, percent, el, sum, isKnown, plural, day, fullDay, longMonthYear, table } = wattlog;
  const ASSUMED = "assumed";

  const money = (value, currency) => (isKnown(value) ? `${number(value, 2)}${NBSP}${currency ?? ""}`.trim() : "not known");
  const amount = (value) => (isKnown(value) ? number(value, 2) : "–");
  /** The one currency of rows; null where there is none, or several, whose amounts cannot be added. */
  function currencyOf(rows) {
    const found = new Set(rows.map((row) => row.currency).filter(isKnown));
    return found.size === 1 ? [...found][0] : null;
  }
  const all = (rows, name) => (rows.length && rows.every((row) => isKnown(row[name])) ? sum(rows.map((row) => row[name])) : null);
  const bounds = (row) =>
    isKnown(row.net_cost) || !isKnown(row.net_cost_low)
      ? amount(row.net_cost)
      : isKnown(row.net_cost_high)
        ? [...new Set([amount(row.net_cost_low), amount(row.net_cost_high)])].join(" to ")
        : `at least ${amount(row.net_cost_low)}`;
  const basis = (row) => ({ in_force: "", assumed: ASSUMED })[row.tariff_basis] ?? "no tariff";

  const bills = {
    id: "bills",
    title: "Bills",
    isTable: true,
    isEmpty: (view) => !view.bills.length,
    summary(view) {
      if (!view.bills.length)
        return "No costs are known: import a tariff with wattlog tariff import FILE --site ID --from DAY.";
      const currency = currencyOf(view.bills);
      const known = view.bills.filter((row) => isKnown(row.net_cost));
      const total = `${plural(known.length, "bill")} of ${view.bills.length}: ${money(sum(known.map((row) => row.net_cost)), currency)}.`;
      const assumed = view.bills.filter((row) => row.tariff_basis === ASSUMED).length;
      const parts = view.bills.filter((row) => row.priced_days < row.days).length;
      const least = view.bills.filter((row) => row.is_demand_lower_bound).length;
      const credits = view.bills.filter((row) => !row.is_credit_known).length;
      return (
        `In ${currency ?? "the currency of each row"}, all charges and tax included. ${currency || !known.length ? total : ""}` +
        (assumed ? ` ${assumed === 1 ? "One is" : `${assumed} are`} priced by a tariff that was not in force then.` : "") +
        (parts ? ` Of ${plural(parts, "bill")} not all days are priced.` : "") +
        (least ? ` In ${plural(least, "bill")} some time with a demand charge is not stored, so the charge may be higher.` : "") +
        (credits ? ` Credits of ${plural(credits, "bill")} may differ, since a cycle of the year is not known exactly.` : "")
      );
    },
    table(view) {
      if (!view.bills.length) return null;
      return table(
        "Bills by billing cycle",
        [
          "Cycle",
          "Days priced",
          "Import, kWh",
          "Export, kWh",
          "Import cost",
          "Export credit",
          "Other charges",
          "Credit used",
          "Tax",
          "To pay",
          "Saved by solar",
          "Saved by battery",
          "Saved by both",
          "Currency",
          "Basis",
        ],
        view.bills.map((row) => [
          `${day(row.cycle_start)} to ${day(row.cycle_end)}`,
          row.priced_days === row.days ? number(row.days, 0) : `${row.priced_days} of ${row.days}`,
          number(row.grid_import),
          number(row.grid_export),
          amount(row.import_cost),
          amount(row.export_credit),
          amount(row.charges),
          amount(row.credit_used),
          amount(row.tax),
          bounds(row),
          amount(row.saved_by_solar),
          amount(row.saved_by_battery),
          amount(row.saved_by_both),
          row.currency ?? "",
          basis(row),
        ]),
        { text: [13, 14] },
      );
    },
  };

  /** Rows by label and currency, their amounts added up over the months. */
  function byLabel(view) {
    const found = new Map();
    for (const row of view.cost_labels) {
      const key = `${row.currency} ${row.label}`;
      const before = found.get(key) ?? { label: row.label, currency: row.currency, grid_import: 0, grid_export: 0, cost: [], credit: [] };
      before.grid_import += row.grid_import;
      before.grid_export += row.grid_export;
      before.cost.push(row.import_cost);
      before.credit.push(row.export_credit);
      found.set(key, before);
    }
    return [...found.values()]
      .map((row) => ({ ...row, cost: sum(row.cost), credit: sum(row.credit) }))
      .sort((one, other) => (other.cost ?? 0) - (one.cost ?? 0));
  }

  const labels = {
    id: "cost-labels",
    title: "Cost by label",
    isTable: true,
    isHidden: (view) => !view.cost_labels.length,
    summary(view) {
      const rows = byLabel(view);
      const cost = sum(rows.map((row) => row.cost));
      const currency = currencyOf(rows);
      const part = (name) => sum(view.cost_labels.map((row) => row[name]));
      const parts = [
        [part("battery_import_cost"), "charged the battery"],
        [part("ev_import_cost"), "charged cars"],
      ].filter(([value]) => value > 0);
      const of = parts.map(([value, text]) => `${money(value, currency)} ${text}`).join(", ");
      const energy = "What the energy of each label of the tariff cost, before netting and other charges.";
      return currency ? `${energy} Of ${money(cost, currency)} for imports ${of || "all was for the home"}.` : energy;
    },
    table(view) {
      if (!view.cost_labels.length) return null;
      return table(
        "Cost by label",
        ["Label", "Import, kWh", "Export, kWh", "Import cost", "Export credit", "Mean price of a kWh", "Currency"],
        byLabel(view).map((row) => [
          row.label,
          number(row.grid_import),
          number(row.grid_export),
          amount(row.cost),
          amount(row.credit),
          isKnown(row.cost) && row.grid_import > 0 ? number(row.cost / row.grid_import, 3) : "–",
          row.currency,
        ]),
        { text: [6] },
      );
    },
  };

  const RULES = { observed: "observed", self_powered: "self-powered", time_based: "time-based", none: "" };
  const whatIf = {
    id: "what-if",
    title: "What it would have cost",
    isTable: true,
    isHidden: (view) => !view.what_if,
    summary(view) {
      if (!view.what_if) return "";
      const { first_day: first, last_day: last, replays, is_reliable: isReliable, alternatives } = view.what_if;
      const [best] = replays;
      const replayed = best
        ? ` The existing battery, replayed, imports ${number(best.simulated_kwh, 0)}${NBSP}kWh, observed were ${number(best.observed_kwh, 0)}${NBSP}kWh ` +
          `(days differ by ${percent(best.daily_error)}): ` +
          (isReliable ? "the rules meet what was observed." : "the rules do NOT meet what was observed, so simulated figures show a direction at most.")
        : "";
      const [cheapest] = alternatives.filter((row) => row.rule === "observed" && isKnown(row.cost));
      const cost = cheapest && isKnown(cheapest.annual_cost) ? [cheapest.annual_cost, "a year"] : [cheapest?.cost, "for the stored part of that time"];
      const plan = cheapest
        ? ` The cheapest tariff for the energy as it was: ${cheapest.plan}, ${money(cost[0], cheapest.currency)} ${cost[1]}.`
        : "";
      return `By wattlog what-if, from ${fullDay(first)} to ${fullDay(last)}.${replayed}${plan}`;
    },
    table(view) {
      if (!view.what_if) return null;
      return table(
        "Alternatives, the cheapest first",
        ["Tariff", "Equipment", "Battery rule", "Import, kWh", "Export, kWh", "Cost of the time", "Cost of 365 days", "Currency"],
        view.what_if.alternatives.map((row) => [
          row.plan,
          row.equipment,
          RULES[row.rule] ?? row.rule,
          number(row.import_kwh, 0),
          number(row.export_kwh, 0),
          amount(row.cost),
          amount(row.annual_cost),
          row.currency ?? "",
        ]),
        { text: [1, 2, 7] },
      );
    },
  };

  /** Public chargers belong to the account and to no site, so the section is the same for each site. */
  const publicCharging = {
    id: "public-charging",
    title: "Cars at public chargers",
    isTable: true,
    isHidden: (view) => !view.public_charging.length,
    summary(view) {
      const rows = view.public_charging;
      if (!rows.length) return "";
      const currency = currencyOf(rows);
      const total = (name) => sum(rows.map((row) => row[name]));
      const unmeasured = total("sessions") - total("measured");
      return (
        `All cars of the account charged ${number(total("energy") ?? 0)}${NBSP}kWh in ${plural(total("sessions"), "session")} away from ` +
        `home` + (currency ? ` for ${money(all(rows, "cost"), currency)}.` : ".") +
        (unmeasured ? ` ${plural(unmeasured, "session")} priced by time, of which no energy is known.` : "")
      );
    },
    table: (view) =>
      table(
        "Public charging by month",
        ["Month", "Car", "Sessions", "kWh", "Cost", "Currency"],
        view.public_charging.map((row) => [
          longMonthYear(row.month),
          row.vehicle ?? "unknown",
          row.measured === row.sessions
            ? number(row.sessions, 0)
            : `${number(row.sessions, 0)}, ${number(row.sessions - row.measured, 0)} by time`,
          isKnown(row.energy) ? number(row.energy) : "–",
          amount(row.cost),
          row.currency ?? "",
        ]),
        { text: [1, 5] },
      ),
  };

  /** The year in money; none where no bill of the year is known, or several currencies are. */
  function costTiles(view) {
    const known = view.bills.filter((row) => isKnown(row.net_cost));
    const currency = currencyOf(known);
    if (!known.length || currency === null) return [];
    const total = (name) => money(all(known, name), currency);
    const many = known.length === view.bills.length ? plural(known.length, "bill") : `${known.length} of ${plural(view.bills.length, "bill")}`;
    const assumed = known.some((row) => row.tariff_basis === ASSUMED) ? ", tariff assumed" : "";
    const parts = known.some((row) => row.priced_days < row.days) ? ", not all days" : "";
    const made = [["To pay", total("net_cost"), many + parts + assumed, "import"]];
    if (isKnown(all(known, "export_credit"))) made.push(["Export credit", total("export_credit"), view.bills.every((row) => row.netting === "none") ? "" : "after netting", "export"]);
    if (view.site.has_solar && isKnown(all(known, "saved_by_solar"))) made.push(["Saved by solar", total("saved_by_solar"), "", "solar"]);
    if (view.site.has_battery && isKnown(all(known, "saved_by_battery")))
      made.push(["Saved by battery", total("saved_by_battery"), "", "battery"]);
    return made;
  }

  const energyTiles = wattlog.tiles;
  wattlog.costTiles = costTiles;
  wattlog.tiles = (view) => [...energyTiles(view), ...costTiles(view)];
  Object.assign(wattlog.charts, { bills, labels, whatIf, publicCharging });
})();
