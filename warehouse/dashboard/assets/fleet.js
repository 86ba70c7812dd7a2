/* All sites in one table: searched, sorted, chosen. */
"use strict";

(() => {
  const { el, number, toKwh, isKnown, fullDay, plural } = wattlog;
  const SVG = "http://www.w3.org/2000/svg";

  /** Lines of the newest days of a site; the table's figures have the same sums. */
  function spark(site) {
    const made = document.createElementNS(SVG, "svg");
    made.setAttribute("viewBox", "0 0 100 24");
    made.setAttribute("preserveAspectRatio", "none");
    made.setAttribute("class", "spark");
    made.setAttribute("aria-hidden", "true");
    const most = Math.max(1, ...[...(site.newest_solar ?? []), ...(site.newest_home ?? [])].filter(isKnown));
    for (const [name, values] of [
      ["of-solar", site.newest_solar],
      ["of-home", site.newest_home],
    ]) {
      const points = (values ?? [])
        .map((value, at) => (isKnown(value) ? `${(100 * at) / Math.max(1, values.length - 1)},${23 - (22 * value) / most}` : null))
        .filter(Boolean);
      if (points.length < 2) continue;
      const line = document.createElementNS(SVG, "polyline");
      line.setAttribute("points", points.join(" "));
      line.setAttribute("class", name);
      made.append(line);
    }
    return made;
  }

  const COLUMNS = [
    ["shown", "Site", (site, link) => el("a", { href: link(site) }, site.shown)],
    ["status", "Status", (site) => site.status],
    [null, "Solar and home", spark],
    ["last_day", "Newest day", (site) => (site.last_day ? fullDay(site.last_day) : "–")],
    ["days_stored", "Days", (site) => number(site.days_stored, 0)],
    ["solar", "Solar, kWh", (site) => number(toKwh(site.solar), 1)],
    ["home", "Home, kWh", (site) => number(toKwh(site.home), 1)],
    ["grid_import", "Grid, kWh", (site) => number(toKwh(site.grid_import), 1)],
    ["gaps", "Gaps", (site) => number(site.gaps, 0)],
    ["unexplained", "Unexplained", (site) => number(site.unexplained, 0)],
  ];

  /** Compare by a column; sites without a value come last in both orders. */
  function comparison(name, direction) {
    return (one, other) => {
      const [a, b] = [one[name], other[name]];
      if (!isKnown(a) || !isKnown(b)) return isKnown(a) ? -1 : isKnown(b) ? 1 : 0;
      const order = typeof a === "string" ? a.localeCompare(b) : a - b;
      return direction * order;
    };
  }

  /**
   * The table with its search field. `link(site)` and `linkOf(ids, how)` are addresses; `state` has search, sort, and order, and
   * `changed` is called when they change.
   */
  function fleet(sites, state, { link, linkOf, changed }) {
    const chosen = new Set();
    const body = el("tbody");
    const count = el("p", { className: "summary", role: "status" });
    const links = el("p", { className: "summary" });
    const search = el("input", { type: "search", id: "search", value: state.search ?? "" });
    const heads = COLUMNS.map(([name, text]) => {
      const head = el("th", { scope: "col", className: name === "shown" ? "text" : "" });
      if (!name) return el("th", { scope: "col" }, text);
      const button = el("button", { type: "button" }, text);
      button.addEventListener("click", () => {
        const isSame = state.sort === name;
        state.order = isSame && state.order !== "descending" ? "descending" : "ascending";
        state.sort = name;
        fill();
        changed(state);
      });
      head.append(button);
      return head;
    });

    function showLinks() {
      const ids = [...chosen];
      links.replaceChildren(
        ...(ids.length > 1
          ? [
              `${plural(ids.length, "site")} chosen: `,
              el("a", { className: "as-link", href: linkOf(ids, "sum") }, "add them up"),
              " or ",
              el("a", { className: "as-link", href: linkOf(ids, "compare") }, "compare them"),
            ]
          : ["Choose two or more to add them up or to compare them."]),
      );
    }

    function row(site) {
      const box = el("input", { type: "checkbox", checked: chosen.has(site.site_id), "aria-label": `Choose ${site.shown}` });
      box.addEventListener("change", () => {
        if (box.checked) chosen.add(site.site_id);
        else chosen.delete(site.site_id);
        showLinks();
      });
      return el(
        "tr",
        {},
        el("td", {}, box),
        ...COLUMNS.map(([name, , of]) => el(name === "shown" ? "th" : "td", name === "shown" ? { scope: "row" } : {}, of(site, link))),
      );
    }

    function fill() {
      const wanted = (state.search ?? "").trim().toLowerCase();
      const found = sites
        .filter((site) => `${site.shown} ${site.site_id}`.toLowerCase().includes(wanted))
        .sort(comparison(state.sort ?? "shown", state.order === "descending" ? -1 : 1));
      body.replaceChildren(...found.map(row));
      count.textContent = `${plural(found.length, "site")} of ${number(sites.length, 0)}. Energies and lines are of the newest thirty days of each.`;
      COLUMNS.forEach(([name], at) => {
        if (name) heads[at].setAttribute("aria-sort", name === (state.sort ?? "shown") ? (state.order ?? "ascending") : "none");
      });
    }

    search.addEventListener("input", () => {
      state.search = search.value;
      fill();
      changed(state);
    });
    fill();
    showLinks();
    return el(
      "section",
      { className: "fleet", id: "fleet", "aria-labelledby": "fleet-title" },
      el("header", {}, el("h2", { id: "fleet-title" }, "All sites"), el("label", {}, "Search", search)),
      count,
      links,
      el(
        "div",
        { className: "scroll", tabIndex: 0, role: "region", "aria-label": "All sites" },
        el(
          "table",
          {},
          el("caption", { className: "unseen" }, "All sites, with the sums of the newest thirty days of each"),
          el("thead", {}, el("tr", {}, el("th", { scope: "col" }, el("span", { className: "unseen" }, "Choose")), ...heads)),
          body,
        ),
      ),
    );
  }

  wattlog.fleet = fleet;
})();
