/* Colours are defined in page.css; charts read them from there. */
"use strict";
globalThis.wattlog = { charts: {} };

(() => {
  const NAMES = [
    "ink",
    "muted",
    "line",
    "strong",
    "surface",
    "shade",
    "absent",
    "accent",
    "solar",
    "home",
    "import",
    "export",
    "battery",
    "charge",
    "generator",
    "car",
    "glyph",
  ];
  const STATUS = ["agreed", "single_source", "filled", "adjusted", "provisional", "missing"];

  /** The colours of the current theme. */
  function theme() {
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(`--${name}`).trim();
    return {
      ...Object.fromEntries(NAMES.map((name) => [name, colour(name)])),
      status: Object.fromEntries(STATUS.map((name) => [name, colour(name.replace("_", "-"))])),
      heat: [0, 1, 2, 3, 4, 5].map((step) => colour(`heat-${step}`)),
      diverging: ["cold-2", "cold-1", "level", "warm-1", "warm-2"].map(colour),
    };
  }

  /** Follow the system's theme until the button is pressed; paper is always light. */
  function chooser(button, changed) {
    const system = matchMedia("(prefers-color-scheme: dark)");
    let chosen = null;
    let onPaper = false;
    const isDark = () => !onPaper && (chosen ?? (system.matches ? "dark" : "light")) === "dark";
    const apply = () => {
      document.documentElement.dataset.theme = isDark() ? "dark" : "light";
      button.textContent = isDark() ? "Light" : "Dark";
      button.setAttribute("aria-label", isDark() ? "Change to light colours" : "Change to dark colours");
      changed();
    };
    button.addEventListener("click", () => {
      chosen = isDark() ? "light" : "dark";
      apply();
    });
    system.addEventListener("change", apply);
    apply();
    return {
      paper(is) {
        onPaper = is;
        apply();
      },
    };
  }

  wattlog.theme = theme;
  wattlog.chooser = chooser;
  wattlog.STATUS = STATUS;
})();
