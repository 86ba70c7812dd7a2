/* Sections of a page: a chart with its sentence, legend, and table, drawn when it comes into view. */
"use strict";

(() => {
  const { el, theme } = wattlog;
  const PAPER_PX = 660;

  /** A section of the page around one chart or table. */
  class Section {
    constructor(spec, style) {
      this.spec = spec;
      this.style = style;
      this.view = null;
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
      this.view = view;
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
      this.summary.textContent = this.spec.summary(this.view, this.choice);
      this.fill();
    }

    /** A table is part of the page only while it is open. */
    fill() {
      const made =
        this.spec.isTable || (this.details.open && !this.isEmpty) ? this.spec.table(this.view, this.choice) : null;
      this.scroll.replaceChildren(...(made ? [made] : []));
    }

    /** A chart that comes into view before the charting library is there is drawn by the next `redraw`. */
    draw() {
      if (!this.isDirty || this.spec.isTable || this.isEmpty || !globalThis.echarts) return;
      this.isDirty = false;
      const colours = theme();
      const width = this.style.paper ? PAPER_PX : this.canvas.clientWidth;
      const size = { width, narrow: width < 480 };
      this.legend.replaceChildren(...(this.spec.legend?.(this.view, colours) ?? []));
      if (this.spec.height) this.canvas.style.height = `${this.spec.height(size, this.view)}px`;
      this.chart ??= echarts.init(this.canvas, null, { renderer: "svg", width });
      this.chart.resize({ width, height: "auto" });
      this.chart.setOption(
        {
          ...this.spec.option(this.view, colours, this.choice, size),
          aria: { enabled: true, label: { enabled: false }, decal: { show: this.style.hasPatterns } },
        },
        { notMerge: true },
      );
    }
  }

  /**
   * Sections of these specs.
   *
   * `style` has `paper`, whether the page is printed, and `hasPatterns`; sections look at it whenever they draw.
   */
  function sectionsOf(specs, style) {
    const sections = specs.map((spec) => new Section(spec, style));
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
      for (const section of style.paper ? sections : inSight) section.draw();
    }

    return {
      roots: sections.map((section) => section.root),
      redraw,
      show(view) {
        for (const section of sections) section.show(view);
        const halves = sections.filter((section) => section.spec.half && !section.isEmpty);
        for (const section of halves)
          section.root.classList.toggle("half", section !== halves.at(-1) || halves.length % 2 === 0);
        redraw();
      },
      observe() {
        for (const section of sections) observer.observe(section.root);
      },
      /** Free what the charts hold; the sections are not used afterwards. */
      dispose() {
        observer.disconnect();
        for (const section of sections) section.chart?.dispose();
      },
    };
  }

  /** Show tiles: name, value, small print, and the name of a colour. */
  function showTiles(list, tiles) {
    list.replaceChildren(
      ...tiles.map(([name, value, more, colour]) =>
        el(
          "div",
          { mark: `var(--${colour})` },
          el("dt", {}, name),
          el("dd", {}, value, el("small", {}, more || "\u00a0")),
        ),
      ),
    );
  }

  /** Follow the printer: `changed` is called with whether the page is on paper. */
  function onPrinting(changed) {
    addEventListener("beforeprint", () => changed(true));
    addEventListener("afterprint", () => changed(false));
    matchMedia("print").addEventListener("change", (event) => changed(event.matches));
  }

  /** Call once the window has kept its size for a moment. */
  function onResized(changed) {
    let resizing = 0;
    addEventListener("resize", () => {
      clearTimeout(resizing);
      resizing = setTimeout(changed, 120);
    });
  }

  Object.assign(wattlog, { sectionsOf, showTiles, onPrinting, onResized });
})();
