/* The page: choices, sections that are drawn when they come into view, themes, print. */
"use strict";

(() => {
  const { el, view: viewOf, years, theme, chooser, plural, number, fullDay } = wattlog;
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
  const PAPER_PX = 660;
  const byId = (id) => document.getElementById(id);
  const data = JSON.parse(byId("data").textContent);
  const nameOf = (site) => site.name || `Site ${site.site_id}`;
  const state = { site: null, year: null, view: null, hasPatterns: false, paper: false };

  /** A section of the page around one chart or table. */
  class Section {
    constructor(spec) {
      this.spec = spec;
      this.chart = null;
      this.isDirty = true;
      this.choice = {};
      this.controls = el("div", { className: "controls" });
      this.summary = el("p", { className: "summary", id: `${spec.id}-summary` });
      this.canvas = el("div", {
        className: `chart${spec.tall ? " tall" : ""}`,
        role: "img",
        "aria-labelledby": `${spec.id}-title ${spec.id}-summary`,
      });
      this.legend = el("ul", { className: "legend" });
      this.scroll = el("div", {
        className: "scroll",
        tabIndex: 0,
        role: "region",
        "aria-label": spec.isTable ? spec.title : `${spec.title}, as a table`,
      });
      this.details = el("details", {}, el("summary", {}, "As a table"), this.scroll);
      this.details.addEventListener("toggle", () => this.fill());
      this.root = el(
        "section",
        { id: spec.id, className: spec.half ? "half" : "", "aria-labelledby": `${spec.id}-title` },
        el("header", {}, el("h2", { id: `${spec.id}-title` }, spec.title), this.controls),
        this.summary,
        ...(spec.isTable ? [this.scroll] : [this.canvas, this.legend, this.details]),
      );
    }

    /** Show another site or year. Choices that still exist are kept; a section without data gives the reason instead. */
    show(view) {
      this.isEmpty = this.spec.isEmpty?.(view) ?? false;
      this.root.hidden = this.spec.isHidden?.(view) ?? false;
      this.canvas.hidden = this.legend.hidden = this.details.hidden = this.controls.hidden = this.isEmpty;
      this.root.classList.toggle("empty", this.isEmpty);
      this.controls.replaceChildren(
        ...(this.spec.controls?.(view) ?? []).map(([name, text, options]) => {
          const select = el("select", {}, ...options.map(([value, label]) => el("option", { value }, label)));
          if (options.some(([value]) => value === this.choice[name])) select.value = this.choice[name];
          this.choice[name] = options.length ? select.value : undefined;
          select.addEventListener("change", () => {
            this.choice[name] = select.value;
            this.mark();
            this.draw();
          });
          return el("label", {}, text, select);
        }),
      );
      this.mark();
    }

    mark() {
      this.isDirty = true;
      this.summary.textContent = this.spec.summary(state.view, this.choice);
      this.fill();
    }

    /** A table is part of the page only while it is open. */
    fill() {
      const made =
        this.spec.isTable || (this.details.open && !this.isEmpty) ? this.spec.table(state.view, this.choice) : null;
      this.scroll.replaceChildren(...(made ? [made] : []));
    }

    draw() {
      if (!this.isDirty || this.spec.isTable || this.isEmpty) return;
      this.isDirty = false;
      const colours = theme();
      const width = state.paper ? PAPER_PX : this.canvas.clientWidth;
      const size = { width, narrow: width < 480 };
      this.legend.replaceChildren(...(this.spec.legend?.(state.view, colours) ?? []));
      if (this.spec.height) this.canvas.style.height = `${this.spec.height(size, state.view)}px`;
      this.chart ??= echarts.init(this.canvas, null, { renderer: "svg", width });
      this.chart.resize({ width, height: "auto" });
      this.chart.setOption(
        {
          ...this.spec.option(state.view, colours, this.choice, size),
          aria: { enabled: true, label: { enabled: false }, decal: { show: state.hasPatterns } },
        },
        { notMerge: true },
      );
    }
  }

  const sections = SECTIONS.map((spec) => new Section(spec));
  const inSight = new Set();
  const observer = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        const section = sections.find((candidate) => candidate.root === entry.target);
        if (entry.isIntersecting) {
          inSight.add(section);
          section.draw();
        } else inSight.delete(section);
      }
    },
    { rootMargin: "250px" },
  );

  /** Draw every section again; sections out of view wait until they come into view. */
  function redraw() {
    for (const section of sections) section.isDirty = true;
    for (const section of state.paper ? sections : inSight) section.draw();
  }

  function showTiles(view) {
    byId("tiles").replaceChildren(
      ...wattlog
        .tiles(view)
        .map(([name, value, more, colour]) =>
          el(
            "div",
            { mark: `var(--${colour})` },
            el("dt", {}, name),
            el("dd", {}, value, el("small", {}, more || "\u00a0")),
          ),
        ),
    );
  }

  function show() {
    const { site, year } = state;
    const view = viewOf(data, site, year);
    state.view = view;
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
    showTiles(view);
    const known = years(site);
    byId("earlier").disabled = year === known.at(-1);
    byId("later").disabled = year === known[0];
    history.replaceState(null, "", `#${site.site_id}/${year}`);
    for (const section of sections) section.show(view);
    const halves = sections.filter((section) => section.spec.half && !section.isEmpty);
    for (const section of halves)
      section.root.classList.toggle("half", section !== halves.at(-1) || halves.length % 2 === 0);
    redraw();
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
      `Made on ${data.made_at.slice(0, 16).replace("T", " ")} UTC by wattlog` +
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
    byId("sections").append(...sections.map((section) => section.root));
    const asked = /^#(\d+)(?:\/(\d+))?$/.exec(location.hash);
    chooseSite(data.sites.find((site) => site.site_id === asked?.[1]) ?? data.sites[0], Number(asked?.[2]));
    const { paper } = chooser(byId("theme"), redraw);
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
      redraw();
    });
    byId("print").addEventListener("click", () => print());
    addEventListener("beforeprint", () => onPaper(true, paper));
    addEventListener("afterprint", () => onPaper(false, paper));
    matchMedia("print").addEventListener("change", (event) => onPaper(event.matches, paper));
    let resizing = 0;
    addEventListener("resize", () => {
      clearTimeout(resizing);
      resizing = setTimeout(() => {
        if (!state.paper) redraw();
      }, 120);
    });
    for (const section of sections) observer.observe(section.root);
    document.documentElement.dataset.ready = "yes";
  }

  start();
})();
