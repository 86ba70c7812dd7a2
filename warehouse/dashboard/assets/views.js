/* The views: what each asks of the server, and which sections show the answer. */
"use strict";

(() => {
  const { client, number, roundKwh, toKwh, isKnown, fullDay, day, plural, words, dayNumber, dayText, table } = wattlog;
  const { bills, labels, whatIf, heatmap, soe, cars, publicCharging, coverage, outages, differences, months } = wattlog.charts;
  const { stacked, compared } = wattlog.rangeCharts;
  const { sessions, gaps, revisions } = wattlog.lists;

  const idsOf = (state, sites) => (state.site === "all" ? "all" : sites.map((site) => site.site_id).join(","));
  const lastOf = (sites) => sites.map((site) => site.last_day).filter(Boolean).sort().at(-1);
  const firstOf = (sites) => sites.map((site) => site.first_day).filter(Boolean).sort()[0];
  const later = (text, days) => dayText(dayNumber(text) + days);

  const ENERGY = [
    ["solar", "Solar", "solar"],
    ["home", "Home", "home"],
    ["grid_import", "From the grid", "import"],
    ["grid_export", "To the grid", "export"],
    ["battery_discharge", "From the battery", "battery"],
  ];
  const energyTiles = (row, more) =>
    ENERGY.filter(([name]) => isKnown(row?.[name])).map(([name, text, colour]) => [text, roundKwh(toKwh(row[name])), more(name), colour]);

  /* ---- overview ---- */
  const SPANS = {
    day: "Newest day",
    day_before: "Day before",
    month: "Month so far",
    month_of_last_year: "Same days of the month a year before",
    year: "Year so far",
    last_year: "Same days of the year before",
  };
  const spans = {
    id: "spans",
    title: "So far",
    isTable: true,
    summary: () => "Sums of the days that are stored, in kWh, beside the same days of the year before.",
    table: (view) =>
      table(
        "So far, kWh",
        ["Days", "From", "To", "Stored", ...ENERGY.map(([, text]) => `${text}, kWh`)],
        view.spans.map((row) => [
          SPANS[row.span],
          day(row.since),
          day(row.until),
          row.days === row.days_stored ? number(row.days, 0) : `${number(row.days_stored, 0)} of ${number(row.days, 0)}`,
          ...ENERGY.map(([name]) => number(toKwh(row[name]), 2)),
        ]),
        { text: [1, 2, 3] },
      ),
  };

  const overview = {
    title: "Overview",
    sites: "many",
    fields: [],
    async load(state, sites, account) {
      const found = await client.get("overview", { site: idsOf(state, sites) });
      const last = lastOf(sites);
      if (!last) return { heading: "Overview", facts: "There is no history yet: wattlog backfill fetches it.", tiles: [], specs: [] };
      const range = async (from, by) =>
        wattlog.prepareRange(await client.get("range", { site: idsOf(state, sites), from, to: last, by, how: "sum" }), sites);
      const [hours, days] = await Promise.all([range(later(last, -1), "hour"), range(later(last, -30), "day")]);
      const of = Object.fromEntries(found.spans.map((row) => [row.span, row]));
      const change = (name) =>
        isKnown(of.day_before?.[name]) ? `${roundKwh(toKwh(of.day_before[name]))} the day before` : "";
      const { last_run: run } = account;
      return {
        heading: "Overview",
        facts: `The figures are of the newest day, ${fullDay(last)}, which may not be over. ${run ? `Last run: wattlog ${run.command}, ${wattlog.instant(run.finished_at.slice(0, 16).replace("T", " "))} UTC${run.exit_code ? `, exit code ${run.exit_code}` : ""}.` : ""}`,
        tiles: [
          ...energyTiles(of.day, change),
          ["Gaps", number(found.attention.gaps, 0), "see Trust", "strong"],
          ["Unexplained differences", number(found.attention.unexplained, 0), "see Trust", "adjusted"],
        ],
        parts: [
          { specs: [{ ...stacked("hours-of-two-days", "The newest two days, hour by hour") }], view: hours },
          { specs: [{ ...stacked("days-of-a-month", "The newest 31 days") }], view: days },
          { specs: [spans], view: found },
        ],
      };
    },
  };

  /* ---- day ---- */
  const NOTHING = { soe: { minute: [], soe: [] }, prices: { minute: [] }, events: [] };

  /** A day of several sites: power added up where they have one clock, or each beside the others. */
  async function dayOfSites(state, sites) {
    const isOneZone = new Set(sites.map((site) => site.timezone)).size === 1;
    const site = idsOf(state, sites);
    const { totals } = await client.get("range", { site, from: state.day, to: state.day, by: "day", how: "sum" });
    const heading = `${plural(sites.length, "site")}, ${fullDay(state.day)}`;
    const alone = "State of energy, prices, and events are shown of one site: pick one.";
    const tiles = energyTiles(totals[0], () => "");
    if (!isOneZone || state.how === "compare") {
      const why = isOneZone ? "" : "The sites are in several time zones, so their day is not the same time, and power is not added up. ";
      const found = await Promise.all(
        sites.slice(0, wattlog.several.MOST_LINES).map(async (one) => ({ name: one.shown, shown: await client.get("day", { site: one.site_id, day: state.day }) })),
      );
      return { heading, facts: `${why}${alone}`, tiles, parts: [{ specs: [wattlog.several.dayCompared], view: { days: found, sites: sites.length } }] };
    }
    const together = async (day) => ({ ...NOTHING, ...(await client.get("day_together", { site, day })) });
    const [shown, other] = await Promise.all([together(state.day), state.with ? together(state.with) : null]);
    const missing = shown.sites_stored < shown.sites ? ` ${plural(shown.sites - shown.sites_stored, "site")} without power that day ${shown.sites - shown.sites_stored === 1 ? "is" : "are"} not in it.` : "";
    const leftOut = shown.left_out ? ` ${plural(shown.left_out, "interval")} that not all of them have ${shown.left_out === 1 ? "is" : "are"} left out.` : "";
    return {
      heading,
      facts: `Power of ${plural(shown.sites_stored, "site")} added up.${missing}${leftOut} ${alone}`,
      tiles,
      parts: [{ specs: [wattlog.dayCharts[0]], view: { shown, other } }],
    };
  }

  const dayView = {
    title: "Day",
    sites: "many",
    fields: ["day", "with"],
    canCompare: true,
    defaults: (sites) => ({ day: lastOf(sites) ?? dayText(Math.floor(Date.now() / 86400000)) }),
    async load(state, sites) {
      if (sites.length > 1) return dayOfSites(state, sites);
      const [site] = sites;
      const [shown, other] = await Promise.all([
        client.get("day", { site: site.site_id, day: state.day }),
        state.with ? client.get("day", { site: site.site_id, day: state.with }) : null,
      ]);
      const more = (name) => (isKnown(other?.sums?.[name]) ? `${roundKwh(toKwh(other.sums[name]))} on ${day(state.with)}` : "");
      const status = shown.sums ? `The day is ${words(shown.sums.status)}, with ${number(shown.sums.coverage_pct, 0)} % of its intervals.` : "The day is not stored.";
      return {
        heading: `${site.shown}, ${fullDay(state.day)}`,
        facts: `${status} ${shown.timezone ?? ""}`,
        tiles: energyTiles(shown.sums, more),
        parts: [{ specs: wattlog.dayCharts, view: { shown, other } }],
      };
    },
  };

  /* ---- range ---- */
  const rangeView = {
    title: "Range",
    sites: "many",
    fields: ["from", "to", "by"],
    canCompare: true,
    defaults(sites) {
      const last = lastOf(sites) ?? dayText(Math.floor(Date.now() / 86400000));
      return { from: `${last.slice(0, 4)}-01-01`, to: last, by: "day" };
    },
    async load(state, sites) {
      const how = sites.length > 1 && state.how === "compare" ? "compare" : "sum";
      const parameters = { site: idsOf(state, sites), from: state.from, to: state.to, by: state.by, how };
      const view = wattlog.prepareRange(await client.get("range", parameters), sites);
      const [first] = view.series;
      const sums = Object.fromEntries(ENERGY.map(([name]) => [name, wattlog.sum(first?.[name] ?? [])]));
      return {
        heading: `${fullDay(state.from)} to ${fullDay(state.to)}`,
        facts: how === "compare" ? plural(sites.length, "site") : sites.map((site) => site.shown).slice(0, 5).join(", ") + (sites.length > 5 ? ", …" : ""),
        tiles: how === "compare" ? [] : energyTiles(sums, () => ""),
        links: [["CSV", client.address("range.csv", parameters)]],
        parts: [{ specs: [how === "compare" ? compared : stacked("range", "Energy")], view }],
      };
    },
  };

  /* ---- years ---- */
  const yearsView = {
    title: "Years",
    sites: "many",
    fields: [],
    async load(state, sites) {
      const view = wattlog.prepareYears(await client.get("years", { site: idsOf(state, sites) }));
      return {
        heading: "Years beside each other",
        facts: view.first_day ? `${fullDay(view.dates[0])} to ${fullDay(view.dates.at(-1))}` : "No day is stored yet.",
        tiles: [],
        parts: view.first_day ? [{ specs: wattlog.yearCharts, view }] : [],
      };
    },
  };

  /* ---- one year of a site, in the report's own sections ---- */
  const yearOf = (title, name, specs, tilesOf) => ({
    title,
    sites: "many",
    fields: ["year"],
    canCompare: true,
    defaults: (sites) => ({ year: (lastOf(sites) ?? dayText(Math.floor(Date.now() / 86400000))).slice(0, 4) }),
    async load(state, sites, account) {
      if (sites.length > 1) {
        const many = await client.get("section_of_sites", { section: name, site: idsOf(state, sites), year: state.year });
        const view = wattlog.several.prepare(name, many, sites, Number(state.year), state.how);
        return {
          heading: `${plural(sites.length, "site")}, ${state.year}`,
          facts: view.alone,
          tiles: wattlog.several.tiles(view),
          parts: [{ specs: wattlog.several.specs, view }],
        };
      }
      const [site] = sites;
      const found = await client.get("section", { section: name, site: site.site_id, year: state.year });
      const [of] = found.report.sites;
      if (!of)
        return { heading: `${site.shown}, ${state.year}`, facts: "No day of this year is stored.", tiles: [], parts: [] };
      const { cause_sentences, month_tolerance } = account;
      const data = { ...found.report, cause_sentences, month_tolerance };
      const view = { ...wattlog.view(data, of, Number(state.year)), lists: found.lists, cycles: found.lists.cycles ?? [] };
      return {
        heading: `${site.shown}, ${state.year}`,
        facts: `${plural(view.stored, "day")} of ${number(view.dates.length, 0)} stored.`,
        tiles: tilesOf(view),
        parts: [{ specs, view }],
      };
    },
  });
  const statusTiles = (view) => {
    const counts = new Map();
    for (const status of view.days.status) counts.set(status, (counts.get(status) ?? 0) + 1);
    return wattlog.STATUS.filter((status) => counts.has(status)).map((status) => [
      `Days ${words(status)}`,
      number(counts.get(status), 0),
      "",
      status.replace("_", "-"),
    ]);
  };

  wattlog.views = {
    overview,
    day: dayView,
    range: rangeView,
    years: yearsView,
    costs: yearOf("Costs", "costs", [bills, labels, whatIf], wattlog.costTiles),
    battery: yearOf("Battery", "battery", [...wattlog.batteryCharts, soe, heatmap], () => []),
    cars: yearOf("Cars", "cars", [{ ...cars, half: false }, sessions, publicCharging], () => []),
    trust: yearOf("Trust", "trust", [coverage, differences, months, gaps, revisions, outages], statusTiles),
    sites: { title: "Sites", sites: "none", fields: [] },
    sql: { title: "SQL", sites: "none", fields: [] },
  };
  wattlog.siteLists = { firstOf, lastOf };
})();
