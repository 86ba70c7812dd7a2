/* The page: choices, sections that are drawn when they come into view, themes, print. */
"use strict";

(() => {
  const { el, view: viewOf, years, chooser, plural, number, fullDay, instant, sectionsOf, showTiles, onPrinting, onResized } =
    wattlog;
  const { daily, flows, trend, bills, labels, whatIf, months, heatmap, soe, cars, publicCharging, coverage, outages, differences } =
    wattlog.charts;
  const SECTIONS = [
    daily,
    flows,
    trend,
    bills,
    labels,
    whatIf,
    months,
    heatmap,
    soe,
    cars,
    publicCharging,
    coverage,
    outages,
    differences,
  ];
  const byId = (id) => document.getElementById(id);
  const data = JSON.parse(byId("data").textContent);
  const nameOf = (site) => site.name || `Site ${site.site_id}`;
  const state = { site: null, year: null, hasPatterns: false, paper: false };

  const sections = sectionsOf(SECTIONS, state);

  function show() {
    const { site, year } = state;
    const view = viewOf(data, site, year);
    document.title = `${nameOf(site)} ${year} – energy report`;
    byId("heading").textContent = `${nameOf(site)}, ${year}`;
    byId("facts").textContent = [
      site.has_solar ? "solar" : null,
      site.has_battery ? "battery" : null,
      site.battery_kwh ? `${number(site.battery_kwh)} kWh` : null,
      site.wall_connectors ? plural(site.wall_connectors, "wall connector") : null,
      site.timezone,
    ]
      .filter(Boolean)
      .join(" · ");
    const period = `${fullDay(view.dates[0])} to ${fullDay(view.dates.at(-1))}`;
    const missing = view.dates.length - view.stored;
    byId("stored").textContent = missing
      ? `${number(view.stored, 0)} of ${plural(view.dates.length, "day")}, ${period}; ` +
        `${number(missing, 0)} missing, and not part of any sum.`
      : `${plural(view.stored, "day")}, ${period}; none is missing.`;
    byId("announce").textContent = `${nameOf(site)}, ${year}`;
    showTiles(byId("tiles"), wattlog.tiles(view));
    const known = years(site);
    byId("earlier").disabled = year === known.at(-1);
    byId("later").disabled = year === known[0];
    history.replaceState(null, "", `#${site.site_id}/${year}`);
    sections.show(view);
  }

  function chooseSite(site, year) {
    const known = years(site);
    state.site = site;
    state.year = known.includes(year) ? year : known[0];
    byId("year").replaceChildren(...known.map((option) => el("option", { value: String(option) }, String(option))));
    byId("year").value = String(state.year);
    byId("site").value = site.site_id;
    show();
  }

  function chooseYear(year) {
    byId("year").value = String(year);
    state.year = year;
    show();
  }

  function onPaper(is, paper) {
    if (state.paper === is) return;
    state.paper = is;
    paper(is);
  }

  function start() {
    byId("made").textContent =
      `Made on ${instant(data.made_at.slice(0, 16).replace("T", " "))} UTC by wattlog` +
      (data.without_history.length ? `; sites without history in this report: ${data.without_history.join(", ")}.` : ".");
    if (!data.sites.length) {
      byId("choice").hidden = true;
      byId("sections").append(
        el("p", { className: "notice" }, "There is no history in this report yet: wattlog backfill fetches it."),
      );
      chooser(byId("theme"), () => {});
      return;
    }
    byId("site").append(...data.sites.map((site) => el("option", { value: site.site_id }, nameOf(site))));
    byId("sections").append(...sections.roots);
    const asked = /^#(\d+)(?:\/(\d+))?$/.exec(location.hash);
    chooseSite(data.sites.find((site) => site.site_id === asked?.[1]) ?? data.sites[0], Number(asked?.[2]));
    const { paper } = chooser(byId("theme"), sections.redraw);
    byId("site").addEventListener("change", (event) =>
      chooseSite(
        data.sites.find((site) => site.site_id === event.target.value),
        state.year,
      ),
    );
    byId("year").addEventListener("change", (event) => chooseYear(Number(event.target.value)));
    byId("earlier").addEventListener("click", () => chooseYear(state.year - 1));
    byId("later").addEventListener("click", () => chooseYear(state.year + 1));
    byId("choice").addEventListener("submit", (event) => event.preventDefault());
    byId("patterns").addEventListener("click", () => {
      state.hasPatterns = !state.hasPatterns;
      byId("patterns").setAttribute("aria-pressed", String(state.hasPatterns));
      sections.redraw();
    });
    byId("print").addEventListener("click", () => print());
    onPrinting((is) => onPaper(is, paper));
    onResized(() => {
      if (!state.paper) sections.redraw();
    });
    sections.observe();
    document.documentElement.dataset.ready = "yes";
  }

  start();
})();
