/* Requests to the dashboard's server, and the watch for a new warehouse. */
"use strict";

(() => {
  const WATCH_MS = 3000;
  const KEPT = 60;
  const kept = new Map();
  let edition = null;

  async function read(response) {
    const found = await response.json().catch(() => ({ error: `The server answered with status ${response.status}.` }));
    if (!response.ok) throw new Error(found.error ?? `The server answered with status ${response.status}.`);
    return found;
  }

  async function reach(path, options) {
    try {
      return await fetch(path, options);
    } catch {
      throw new Error("The dashboard's server does not answer: is wattlog dashboard still running?");
    }
  }

  const address = (name, parameters = {}) => {
    const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== null)).toString();
    return `/api/${name}${query ? `?${query}` : ""}`;
  };

  /** An answer, from memory where this warehouse has given it before. */
  async function get(name, parameters) {
    const path = address(name, parameters);
    if (kept.has(path)) return kept.get(path);
    const found = await read(await reach(path));
    if (found.edition !== edition) kept.clear();
    edition = found.edition;
    if (kept.size >= KEPT) kept.delete(kept.keys().next().value);
    kept.set(path, found);
    return found;
  }

  async function run(sql) {
    const headers = { "content-type": "application/json" };
    return read(await reach("/api/sql", { method: "POST", headers, body: JSON.stringify({ sql }) }));
  }

  /** Call `changed` after each publish; the page looks often while it is seen, and at once when it is seen again. */
  function watch(changed) {
    async function look() {
      if (document.hidden || edition === null) return;
      try {
        const found = await read(await reach("/api/edition"));
        if (found.edition === edition) return;
        edition = found.edition;
        kept.clear();
        changed();
      } catch {
        // the next look, or the next view, shows what is wrong
      }
    }
    setInterval(look, WATCH_MS);
    document.addEventListener("visibilitychange", look);
  }

  wattlog.client = { get, run, watch, address };
})();
