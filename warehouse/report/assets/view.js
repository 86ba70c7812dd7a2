/* One site's year: its part of each column, and sums over it. */
"use strict";

(() => {
  const { isKnown, dayNumber, dayText } = wattlog;

  /** The sum of the known values; null where none is known. */
  const sum = (values) => {
    const known = values.filter(isKnown);
    return known.length ? known.reduce((total, value) => total + value, 0) : null;
  };

  /** The rows for which a predicate is true, as objects. */
  function rows(columns, keep) {
    const names = Object.keys(columns);
    const made = [];
    for (let at = 0; at < (columns[names[0]] ?? []).length; at += 1) {
      const row = Object.fromEntries(names.map((name) => [name, columns[name][at]]));
      if (keep(row)) made.push(row);
    }
    return made;
  }

  /** The years in which a site has days, newest first. */
  function years(site) {
    const first = Number(site.first_day.slice(0, 4));
    const last = Number(dayText(dayNumber(site.first_day) + site.days.status.length - 1).slice(0, 4));
    return Array.from({ length: last - first + 1 }, (_, at) => last - at);
  }

  function view(data, site, year) {
    const begin = dayNumber(site.first_day);
    const from = Math.max(dayNumber(`${year}-01-01`) - begin, 0);
    const to = Math.min(dayNumber(`${year + 1}-01-01`) - begin, site.days.status.length);
    const slice = (columns, perDay = 1) =>
      Object.fromEntries(
        Object.entries(columns).map(([name, values]) => [name, values.slice(from * perDay, to * perDay)]),
      );
    const days = slice(site.days);
    days.status = days.status.map((status) => status ?? "missing");
    const total = Object.fromEntries(
      Object.entries(days)
        .filter(([name]) => name !== "status" && name !== "coverage_pct")
        .map(([name, values]) => [name, toKwh(sum(values))]),
    );
    const inYear = (text) => text.startsWith(`${year}-`);
    return {
      site,
      year,
      days,
      total,
      dates: Array.from({ length: to - from }, (_, at) => dayText(begin + from + at)),
      stored: days.status.filter((status) => status !== "missing").length,
      soe: slice(site.soe_days),
      hours: slice(site.hours, 24),
      hasFlows: isKnown(total.home),
      months: rows(site.months, (row) => inYear(row.month)),
      trend: rows(site.self_sufficiency, (row) => row.period.length === 7),
      shares: rows(site.self_sufficiency, (row) => row.period === String(year))[0] ?? null,
      outages: rows(site.outages, (row) => inYear(row.day)),
      charging: rows(site.charging, (row) => inYear(row.month)),
      public_charging: rows(data.public_charging, (row) => inYear(row.month)),
      bills: rows(site.bills, (row) => inYear(row.cycle_start)),
      cost_labels: rows(site.cost_labels, (row) => inYear(row.month)),
      what_if: site.what_if,
      causes: rows(site.causes, (row) => row.year === year),
      comparisons: sum(rows(site.comparisons, (row) => row.year === year).map((row) => row.compared)) ?? 0,
      differences: rows(site.differences, (row) => inYear(row.day)),
      cause_sentences: data.cause_sentences,
      month_tolerance: data.month_tolerance,
    };
  }

  /** The share of a whole; null where either is not known. */
  const known = (value, share) => (isKnown(value) && isKnown(share) && value > 0 ? share / value : null);
  const toKwh = (wh) => (isKnown(wh) ? wh / 1000 : null);
  const has = (values) => values !== undefined && values.some(isKnown);

  /** The positions of the largest and the smallest known value; null where none is known. */
  function extremes(values) {
    let most = -1;
    let least = -1;
    values.forEach((value, at) => {
      if (!isKnown(value)) return;
      if (most < 0 || value > values[most]) most = at;
      if (least < 0 || value < values[least]) least = at;
    });
    return most < 0 ? null : { most, least };
  }

  Object.assign(wattlog, { known, sum, years, view, toKwh, has, extremes });
})();
