// What the pages do beyond HTML and htmx: the reader's own time, news from the
// server, copy buttons, ticking whole columns. Everything works without it.
(() => {
  "use strict";
  const me = document.currentScript;
  const two = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

  // times writes moments in the reader's own time, with UTC behind them.
  function times(root) {
    for (const t of root.querySelectorAll("time[datetime]:not([data-done])")) {
      const d = new Date(t.dateTime);
      t.dataset.done = "";
      if (isNaN(d)) continue;
      const utc = d.toISOString().replace("T", " ").slice(0, 19) + " UTC";
      if ("relative" in t.dataset) {
        t.title = two.format(d) + " · " + utc;
        continue;
      }
      t.title = utc;
      t.textContent = two.format(d);
    }
  }

  // moments lets people type moments in their own time. UTC is sent, and said.
  const stamp = (d) => d.toISOString().slice(0, 16);
  function moments() {
    for (const typed of document.querySelectorAll("input[data-utc][name]")) {
      const label = typed.closest("label"), sent = document.createElement("input"), says = document.createElement("output");
      sent.type = "hidden";
      sent.name = typed.name;
      says.className = "hint";
      label.querySelector("[data-zone]").textContent = "in your time";
      typed.removeAttribute("name");
      const was = new Date(typed.value + "Z");
      if (!isNaN(was)) typed.value = stamp(new Date(was - was.getTimezoneOffset() * 60000));
      const tell = () => {
        const d = new Date(typed.value);
        sent.value = isNaN(d) ? "" : stamp(d);
        says.textContent = isNaN(d) ? "" : sent.value.replace("T", " ") + " UTC";
      };
      typed.addEventListener("input", tell);
      tell();
      label.after(says, sent);
    }
  }

  // age says again how far away moments are, by the server's clock.
  const ahead = Date.now() - Number(me.dataset.now);
  const day = 86400;
  const units = [[60, 1, "second"], [7200, 60, "minute"], [2 * day, 3600, "hour"], [1095 * day, day, "day"], [Infinity, 365 * day, "year"]];
  function age() {
    for (const t of document.querySelectorAll("time[data-relative]")) {
      const s = (Date.now() - ahead - new Date(t.dateTime)) / 1000;
      if (isNaN(s)) continue;
      const [, one, unit] = units.find(([below]) => Math.abs(s) < below);
      const n = Math.floor(Math.abs(s) / one), words = n.toLocaleString("en") + " " + unit + (n === 1 ? "" : "s");
      t.textContent = s < 0 ? "in " + words : words + " ago";
    }
  }
  setInterval(age, 20000);

  // refresh fetches the live regions again that want to know of this kind of news.
  // One with data-rest is left alone for so many seconds after each time.
  const due = new Map(), rested = new Map();
  function refresh(kind) {
    for (const el of document.querySelectorAll("[data-live][id]")) {
      if (kind && !el.dataset.live.split(" ").includes(kind)) continue;
      if (kind && Date.now() - (rested.get(el.id) || 0) < 1000 * (el.dataset.rest || 0)) continue;
      rested.set(el.id, Date.now());
      due.set(el.id, true);
    }
    flush();
  }
  let busy = false;
  async function flush() {
    if (busy || document.hidden || !window.htmx) return;
    busy = true;
    try {
      for (const id of [...due.keys()]) {
        due.delete(id);
        const el = document.getElementById(id);
        if (!el || el.contains(document.activeElement) && document.activeElement.matches("input:not([type=checkbox]), textarea, select")) continue;
        await htmx.ajax("GET", el.dataset.from || location.pathname + location.search, { target: "#" + CSS.escape(id), select: "#" + CSS.escape(id), swap: "outerMorph" });
      }
    } catch { /* the next news tries again */ } finally { busy = false; }
    if (due.size) setTimeout(flush, 1000);
  }
  document.addEventListener("visibilitychange", () => { age(); flush(); });

  // What somebody has opened stays open when its region is fetched again.
  document.addEventListener("htmx:before:morph:attr", (e) => {
    if (e.target.matches("details") && e.detail.attrName === "open") e.preventDefault();
  });

  // listen hears the news; after an interruption everything is fetched again.
  let wait = 2000, broken = false;
  function listen() {
    const es = new EventSource(me.dataset.events);
    es.addEventListener("hello", () => { if (broken) refresh(); broken = false; wait = 2000; });
    es.addEventListener("checked", () => refresh("checked"));
    es.addEventListener("happened", () => refresh("happened"));
    es.addEventListener("ended", () => { es.close(); refresh(); });
    es.onerror = () => {
      broken = true;
      if (es.readyState !== EventSource.CLOSED) return;
      setTimeout(listen, wait);
      wait = Math.min(wait * 2, 60000);
    };
  }

  document.addEventListener("click", async (e) => {
    const b = e.target.closest("[data-copy]");
    if (!b) return;
    const from = document.getElementById(b.dataset.copy);
    const said = b.textContent;
    try {
      await navigator.clipboard.writeText(from.textContent);
      b.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(from);
      b.textContent = "Selected: press Ctrl+C";
    }
    setTimeout(() => { b.textContent = said; }, 2000);
  });

  // A box with data-all ticks the boxes of that name in its form.
  document.addEventListener("change", (e) => {
    const name = e.target.dataset && e.target.dataset.all;
    if (!name) return;
    for (const box of e.target.form.elements) {
      if (box.type === "checkbox" && box.name === name) box.checked = e.target.checked;
    }
  });

  // A choice with data-send is sent at once.
  document.addEventListener("change", (e) => { if (e.target.matches("select[data-send]")) e.target.form.requestSubmit(); });

  // One menu is open at a time, and none when somebody clicks elsewhere.
  document.addEventListener("click", (e) => {
    for (const d of document.querySelectorAll("details.menu[open]")) if (!d.contains(e.target)) d.open = false;
  });
  document.addEventListener("keydown", (e) => {
    if (e.key !== "Escape") return;
    for (const d of document.querySelectorAll("details.menu[open]")) { d.open = false; d.querySelector("summary").focus(); }
  });

  document.documentElement.classList.add("js");
  times(document);
  moments();
  document.addEventListener("htmx:after:swap", () => { times(document); moments(); });
  if (me.dataset.events && document.querySelector("[data-live]")) listen();
})();
