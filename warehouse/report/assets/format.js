/* Numbers, dates and elements. Text is added to the page by textContent only. */
"use strict";

(() => {
  const NBSP = "\u00a0";
  /* Text is English; numbers, dates, and times are as the browser's language writes them. */
  const LOCALE = navigator.language || "en";
  const formats = [0, 1, 2, 3].map(
    (digits) => new Intl.NumberFormat(LOCALE, { minimumFractionDigits: digits, maximumFractionDigits: digits }),
  );
  const plain = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 6 });
  const DAY_MS = 86400000;

  /** A formatter of dates that are texts such as 2025-03, 2025-03-31, or 2025-03-31 13:05; they are on a clock of their own. */
  function dated(options) {
    const format = new Intl.DateTimeFormat(LOCALE, { timeZone: "UTC", calendar: "gregory", ...options });
    return (text) => {
      const [date, clock = "00:00"] = text.split(" ");
      return format.format(new Date(`${date.padEnd(10, "-01")}T${clock}Z`)).replace(/[ \u202f]/g, NBSP);
    };
  }
  const CLOCK = { hour: "numeric", minute: "2-digit" };
  const month = dated({ month: "short" });
  const longMonth = dated({ month: "long" });
  const monthYear = dated({ month: "short", year: "numeric" });
  const longMonthYear = dated({ month: "long", year: "numeric" });
  const day = dated({ day: "numeric", month: "short" });
  const fullDay = dated({ day: "numeric", month: "long", year: "numeric" });
  const instant = dated({ day: "numeric", month: "short", year: "numeric", ...CLOCK });
  const clock = dated(CLOCK);
  const time = (text) => clock(`2024-01-01 ${text}`);
  const hour = (value) => time(`${String(value).padStart(2, "0")}:00`);
  const MONTHS = Array.from({ length: 12 }, (_, at) => month(`2024-${String(at + 1).padStart(2, "0")}`));
  const weekday = dated({ weekday: "short" });
  /** From Sunday on. */
  const WEEKDAYS = Array.from({ length: 7 }, (_, at) => weekday(`2024-09-0${at + 1}`));
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

  function duration(seconds) {
    if (!isKnown(seconds)) return "not known";
    if (seconds < 90) return `${number(seconds, 0)}${NBSP}s`;
    if (seconds < 5400) return `${number(seconds / 60, 0)}${NBSP}min`;
    return `${number(seconds / 3600, 1)}${NBSP}h`;
  }

  const percent = (ratio) => (ratio === null ? "not known" : number(100 * ratio) + NBSP + "%");
  const plural = (count, one, many = `${one}s`) => `${number(count, 0)} ${count === 1 ? one : many}`;
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
    LOCALE,
    MONTHS,
    WEEKDAYS,
    isKnown,
    number,
    /** A number with the digits that it has, for axes. */
    plain: (value) => plain.format(value).replace("-", "−"),
    kwh,
    roundKwh,
    signed,
    dayNumber,
    dayText,
    day,
    fullDay,
    month,
    longMonth,
    monthYear,
    longMonthYear,
    instant,
    time,
    hour,
    duration,
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
