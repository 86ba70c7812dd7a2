/* Lists that the report does not have: charge sessions, gaps, revised values. */
"use strict";

(() => {
  const { number, isKnown, duration, instant, plural, table, words, signed } = wattlog;
  const MOST = 500;
  const newest = (rows) => (rows.length >= MOST ? ` Only the newest ${MOST} are listed.` : "");

  /** A table; none where there are no rows. */
  const listed = (caption, head, rows, more = {}) => (rows.length ? table(caption, head, rows, more) : null);

  const sessions = {
    id: "sessions",
    title: "Charge sessions",
    isTable: true,
    isEmpty: (view) => !view.lists.sessions.length,
    summary: (view) =>
      view.lists.sessions.length
        ? `${plural(view.lists.sessions.length, "session")} at the site's wall connectors in ${view.year}.${newest(view.lists.sessions)}`
        : `No charge session is known in ${view.year}.`,
    table: (view) =>
      listed(
        "Charge sessions",
        ["Began", "Energy, kWh", "Charged for"],
        view.lists.sessions.map((row) => [instant(row.started_at), number(row.kwh, 2), duration(row.duration)]),
      ),
  };

  const gaps = {
    id: "gaps",
    title: "What is missing",
    isTable: true,
    isEmpty: (view) => !view.lists.gaps.length,
    summary: (view) =>
      view.lists.gaps.length
        ? `${plural(view.lists.gaps.length, "gap")} in ${view.year}, in UTC; nights, the future, and days before the installation are not counted.${newest(view.lists.gaps)}`
        : `Nothing that was expected is missing in ${view.year}.`,
    table: (view) =>
      listed(
        "Gaps",
        ["From", "To", "Series", "Cause", "Rows missing"],
        view.lists.gaps.map((row) => [instant(row.gap_start), instant(row.gap_end), words(row.series), words(row.cause), number(row.expected_rows, 0)]),
        { text: [1, 2, 3] },
      ),
  };

  const revisions = {
    id: "revisions",
    title: "Values that were revised",
    isTable: true,
    isEmpty: (view) => !view.lists.revisions.length,
    summary: (view) =>
      view.lists.revisions.length
        ? `${plural(view.lists.revisions.length, "value")} of ${view.year} that a later response changed, in UTC.${newest(view.lists.revisions)}`
        : `No value of ${view.year} was changed by a later response.`,
    table: (view) =>
      listed(
        "Revisions",
        ["Interval", "Series", "Measure", "Seen", "Before", "After", "Change"],
        view.lists.revisions.map((row) => [
          instant(row.interval_start),
          words(row.series),
          words(row.measure),
          instant(row.seen_at),
          number(row.old_value, 1),
          number(row.new_value, 1),
          isKnown(row.old_value) && isKnown(row.new_value) ? signed(row.new_value - row.old_value) : "–",
        ]),
        { text: [1, 2, 3] },
      ),
  };

  wattlog.lists = { sessions, gaps, revisions };
})();
