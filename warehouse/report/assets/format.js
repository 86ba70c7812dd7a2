/* Numbers, dates and elements. Text is added to the page by textContent only. */
"use strict";

(() => {
  const NBSP = "\u00a0";
  const formats = [0, 1, 2, 3].map(
    (digits) => new Intl.NumberFormat(wattlog.locale ?? "en", { minimumFractionDigits: digits, maximumFractionDigits: digits }),
  );
  const DAY_MS = 86400000;
  const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
  const LONG = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
  ];
  const isKnown = (value) => value !== null && value !== undefined;

  const number = (value, digits = 1) => (isKnown(value) ? formats[digits].format(value).replace("-", "−") : "–");
  const withUnit = (unit, digits) => (value) => (isKnown(value) ? number(value, digits) + NBSP + unit : "not known");
  const kwh = withUnit("kWh", 1);
  /** For headlines: large numbers have no decimals. */
  const roundKwh = (value) =>
    isKnown(value) ? number(value, Math.abs(value) < 100 ? 1 : 0) + NBSP + "kWh" : "not known";
  const signed = (value) => (isKnown(value) ? (value > 0 ? "+" : "") + number(value, 2) : "–");

  /** Days are counted in UTC, where every day has 24 hours. */
  const dayNumber = (text) => Date.parse(`${text}T00:00:00Z`) / DAY_MS;
  const dayText = (day) => new Date(day * DAY_MS).toISOString().slice(0, 10);
  const day = (text) => `${Number(text.slice(8))}${NBSP}${MONTHS[text.slice(5, 7) - 1]}`;
  const fullDay = (text) => `${Number(text.slice(8))}${NBSP}${LONG[text.slice(5, 7) - 1]}${NBSP}${text.slice(0, 4)}`;
  const month = (text) => MONTHS[text.slice(5, 7) - 1];
  const hour = (value) => `${String(value).padStart(2, "0")}:00`;

  function duration(seconds) {
    if (!isKnown(seconds)) return "not known";
    if (seconds < 90) return `${number(seconds, 0)}${NBSP}s`;
    if (seconds < 5400) return `${number(seconds / 60, 0)}${NBSP}min`;
    return `${number(seconds / 3600, 1)}${NBSP}h`;
  }

  const percent = (ratio) => (ratio === null ? "not known" : number(100 * ratio) + NBSP + "%");
  const plural = (count, one, many = `${one}s`) => `${number(count, 0)} ${count === 1 ? one : many}`;
  const longMonth = (text) => LONG[text.slice(5, 7) - 1];
  const words = (text) => text.replaceAll("_", " ");

  /** An element with properties and children; strings become text. */
  function el(name, properties = {}, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(properties)) {
      if (key === "mark") made.style.setProperty("--mark", value);
      else if (key in made && !key.startsWith("aria") && key !== "role") made[key] = value;
      else made.setAttribute(key, value);
    }
    made.append(...children.filter((child) => child !== null));
    return made;
  }

  /** A tooltip: a heading, and lines of mark, name and value. */
  function tip(heading, lines) {
    return el(
      "div",
      { className: "tip" },
      el("b", {}, heading),
      ...lines.map(([name, value, mark]) => el("span", {}, mark ? el("i", { mark }) : null, name, el("em", {}, value))),
    );
  }

  Object.assign(wattlog, {
    NBSP,
    MONTHS,
    isKnown,
    number,
    kwh,
    roundKwh,
    signed,
    dayNumber,
    dayText,
    day,
    fullDay,
    month,
    hour,
    duration,
    longMonth,
    percent,
    plural,
    words,
    el,
    tip,
    kw: withUnit("kW", 2),
    pct: withUnit("%", 1),
    wholePct: withUnit("%", 0),
  });
})();
