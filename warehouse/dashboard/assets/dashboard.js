/* The page: views by address, choices, new data, themes, print. */
"use strict";

(() => {
  const { el, client, views, siteLists, chooser, fullDay, sectionsOf, showTiles, onPrinting, onResized, number, dayNumber, dayText } = wattlog;
  const byId = (id) => document.getElementById(id);
  const style = { paper: false, hasPatterns: false };
  const NOTICE_MS = 6000;
  const ALL = "all";
  let account = null;
  let state = {};
  let drawn = [];
  let loads = 0;

  /* ---- addresses ---- */
  function stateOf(search) {
    const asked = Object.fromEntries(new URLSearchParams(search));
    return { ...asked, view: asked.view in views ? asked.view : "overview" };
  }
  const addressOf = (given) => `/?${new URLSearchParams(Object.entries(given).filter(([, value]) => value))}`;

  /** The state of another view: the sites stay, and what the view can show of the rest. */
  const other = (view, more = {}) => {
    const keeps = views[view].sites === "none" ? [] : ["site", "how"];
    return Object.fromEntries(Object.entries({ view, ...Object.fromEntries(keeps.map((name) => [name, state[name]])), ...more }).filter(([, value]) => value));
  };

  function sitesOf(given) {
    const { sites } = account;
    const [newest] = [...sites].sort((one, two) => ((two.last_day ?? "") > (one.last_day ?? "") ? 1 : -1));
    const kind = views[given.view].sites;
    if (kind === "many" && given.site === ALL) return sites.filter((site) => site.first_day);
    const ids = new Set((given.site ?? "").split(","));
    const found = sites.filter((site) => ids.has(site.site_id));
    return found.length ? found : newest ? [newest] : [];
  }

  function go(given, { replace = false } = {}) {
    const address = addressOf(given);
    if (replace) history.replaceState(null, "", address);
    else history.pushState(null, "", address);
    return show();
  }

  /* ---- choices ---- */
  function labelled(text, control) {
    return el("label", {}, text, control);
  }

  function siteChoice(sites) {
    const select = el("select", { id: "site" });
    const isMany = views[state.view].sites === "many" && account.sites.length > 1;
    const asked = sites.map((site) => site.site_id).join(",");
    if (sites.length > 1 && state.site !== ALL) select.append(el("option", { value: asked }, `${sites.length} chosen sites`));
    if (isMany) select.append(el("option", { value: ALL }, `All ${account.sites.filter((site) => site.first_day).length} sites`));
    select.append(...account.sites.map((site) => el("option", { value: site.site_id }, site.shown)));
    select.value = state.site === ALL && isMany ? ALL : asked;
    select.addEventListener("change", () => go({ ...state, site: select.value }));
    return labelled("Site", select);
  }

  function howChoice() {
    const select = el("select", { id: "how" }, el("option", { value: "sum" }, "added up"), el("option", { value: "compare" }, "compared"));
    select.value = state.how === "compare" ? "compare" : "sum";
    select.addEventListener("change", () => go({ ...state, how: select.value }));
    return labelled("Sites", select);
  }

  function dateChoice(name, text, { clear = false } = {}) {
    const input = el("input", { type: "date", id: name, value: state[name] ?? "", min: "2000-01-01", max: "2099-12-31", required: !clear });
    input.addEventListener("change", () => {
      if (input.validity.valid && (input.value || clear)) go({ ...state, [name]: input.value });
    });
    return labelled(text, input);
  }

  function steps(name, text, before, after) {
    const step = (title, sign, value) => {
      const button = el("button", { type: "button", "aria-label": title }, sign);
      button.addEventListener("click", async () => {
        await go({ ...state, [name]: value });
        document.querySelector(`button[aria-label="${title}"]`)?.focus();
      });
      return button;
    };
    return [step(`${text} before`, "‹", before), step(`${text} after`, "›", after)];
  }

  function byChoice() {
    const select = el("select", { id: "by" }, ...["hour", "day", "month"].map((by) => el("option", { value: by }, by)));
    select.value = state.by;
    select.addEventListener("change", () => go({ ...state, by: select.value }));
    return labelled("By", select);
  }

  function yearChoice(sites) {
    const [first, last] = [siteLists.firstOf(sites), siteLists.lastOf(sites)];
    const years = [];
    for (let year = Number((last ?? state.year).slice(0, 4)); year >= Number((first ?? state.year).slice(0, 4)); year -= 1) years.push(String(year));
    if (!years.includes(state.year)) years.push(state.year);
    const select = el("select", { id: "year" }, ...years.map((year) => el("option", { value: year }, year)));
    select.value = state.year;
    select.addEventListener("change", () => go({ ...state, year: select.value }));
    const [before, after] = steps("year", "Year", String(Number(state.year) - 1), String(Number(state.year) + 1));
    before.disabled = !years.includes(String(Number(state.year) - 1));
    after.disabled = !years.includes(String(Number(state.year) + 1));
    return el("span", { className: "stepper" }, before, labelled("Year", select), after);
  }

  function choices(sites, links) {
    const { fields, sites: kind } = views[state.view];
    const made = kind === "none" ? [] : [siteChoice(sites)];
    if (sites.length > 1 && views[state.view].canCompare) made.push(howChoice());
    if (fields.includes("day")) {
      const [before, after] = steps("day", "Day", dayText(dayNumber(state.day) - 1), dayText(dayNumber(state.day) + 1));
      made.push(el("span", { className: "stepper" }, before, dateChoice("day", "Day"), after), dateChoice("with", "Compare with", { clear: true }));
    }
    if (fields.includes("from")) made.push(dateChoice("from", "From"), dateChoice("to", "To"), byChoice());
    if (fields.includes("year")) made.push(yearChoice(sites));
    made.push(...links.map(([text, href]) => el("a", { href, download: "" }, text)));
    const focused = document.activeElement?.id;
    byId("choice").replaceChildren(...made);
    if (focused && byId("choice").contains(byId(focused))) byId(focused).focus();
  }

  function navigation() {
    byId("views").replaceChildren(
      ...Object.entries(views).map(([name, { title }]) =>
        el("a", { href: addressOf(other(name)), ...(name === state.view ? { "aria-current": "page" } : {}) }, title),
      ),
    );
  }

  /* ---- showing ---- */
  function clear() {
    for (const part of drawn) part.dispose();
    drawn = [];
    byId("sections").replaceChildren();
  }

  function place(heading, facts, tiles, parts) {
    clear();
    byId("heading").textContent = heading;
    byId("facts").textContent = facts;
    byId("announce").textContent = heading;
    document.title = `${heading} – wattlog`;
    showTiles(byId("tiles"), tiles);
    byId("tiles").hidden = !tiles.length;
    drawn = parts;
    byId("sections").append(...parts.flatMap((part) => part.roots));
  }

  async function load() {
    const view = views[state.view];
    if (state.view === "sites") {
      const figures = new Map((await client.get("fleet")).sites.map((row) => [row.site_id, row]));
      const all = account.sites.map((site) => ({ ...site, ...figures.get(site.site_id) }));
      const root = wattlog.fleet(all, { ...state }, {
        link: (site) => addressOf({ view: "overview", site: site.site_id }),
        linkOf: (ids, how) => addressOf({ view: "range", site: ids.join(","), how }),
        changed: ({ search, sort, order }) => history.replaceState(null, "", addressOf({ ...state, search, sort, order })),
      });
      return () => {
        choices([], []);
        place("Sites", `${number(account.sites.length, 0)} in this warehouse.`, [], [{ roots: [root], redraw() {}, dispose() {} }]);
      };
    }
    if (state.view === "sql") {
      const made = wattlog.statements(await client.get("dictionary"), state, {
        changed: (sql) => history.replaceState(null, "", addressOf({ ...state, sql })),
      });
      return () => {
        choices([], []);
        place("SQL", "Statements read the warehouse, and can change nothing.", [], [{ roots: [made.root], redraw: made.redraw, dispose: made.dispose }]);
      };
    }
    const sites = sitesOf(state);
    if (!sites.length) return () => place(view.title, "There is no site yet: wattlog backfill fetches the history.", [], []);
    state = { ...view.defaults?.(sites), ...state };
    const found = await view.load(state, sites, account);
    return () => {
      choices(sites, found.links ?? []);
      const parts = (found.parts ?? []).map(({ specs, view: shown }) => ({ made: sectionsOf(specs, style), shown }));
      place(found.heading, found.facts, found.tiles, parts.map(({ made }) => made));
      for (const { made, shown } of parts) {
        made.show(shown);
        made.observe();
      }
    };
  }

  async function show() {
    loads += 1;
    const mine = loads;
    state = stateOf(location.search);
    navigation();
    byId("content").classList.add("busy");
    try {
      account = shownNames(await client.get("account"));
      byId("made").textContent = `wattlog ${account.version}`;
      const finish = await load();
      if (mine !== loads) return;
      byId("problem").hidden = true;
      finish();
    } catch (error) {
      if (mine !== loads) return;
      clear();
      byId("tiles").replaceChildren();
      byId("problem").textContent = error.message;
      byId("problem").hidden = false;
    }
    byId("content").classList.remove("busy");
    document.documentElement.dataset.ready = String(loads);
  }

  const shownNames = (found) => ({
    ...found,
    sites: found.sites.map((site) => ({ ...site, shown: site.name || `Site ${site.site_id}` })),
  });

  /** After a publish: the same view again, where the reader is; what someone is typing stays. */
  async function renew() {
    const at = scrollY;
    if (state.view !== "sql") await show();
    scrollTo(0, at);
    const last = siteLists.lastOf(account.sites);
    byId("renewed").textContent = `New data: the page shows the newest warehouse${last ? `, with days to ${fullDay(last)}` : ""}.`;
    byId("renewed").hidden = false;
    setTimeout(() => {
      byId("renewed").hidden = true;
    }, NOTICE_MS);
  }

  function redraw() {
    for (const part of drawn) part.redraw();
  }

  /** Run the charting library, which the browser has fetched meanwhile: figures are on the page before it. */
  function loadLibrary() {
    const script = el("script", { src: byId("library").href });
    script.addEventListener("load", redraw);
    script.addEventListener("error", () => {
      byId("problem").textContent = "The charting library did not load: load the page again.";
      byId("problem").hidden = false;
    });
    document.head.append(script);
  }

  function start() {
    const { paper } = chooser(byId("theme"), redraw);
    byId("patterns").addEventListener("click", () => {
      style.hasPatterns = !style.hasPatterns;
      byId("patterns").setAttribute("aria-pressed", String(style.hasPatterns));
      redraw();
    });
    byId("print").addEventListener("click", () => print());
    byId("choice").addEventListener("submit", (event) => event.preventDefault());
    document.addEventListener("click", (event) => {
      const link = event.target.closest?.("a[href^='/?']");
      if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
      event.preventDefault();
      const isView = byId("views").contains(link);
      history.pushState(null, "", link.getAttribute("href"));
      show().then(() => isView && byId("views").querySelector("[aria-current]")?.focus());
    });
    addEventListener("popstate", show);
    onPrinting((is) => {
      if (style.paper === is) return;
      style.paper = is;
      paper(is);
    });
    onResized(() => {
      if (!style.paper) redraw();
    });
    client.watch(renew);
    show().then(() => requestAnimationFrame(() => setTimeout(loadLibrary)));
  }

  start();
})();
