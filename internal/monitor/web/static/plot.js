// Draws the times of handshakes where the page has a place for it.
(() => {
  "use strict";
  const colours = ["#3b82c4", "#c2772a", "#3f9a68", "#9a5cc0", "#b8556a", "#4a9aa8", "#8a8f3a", "#7a7f86"];
  for (const el of document.querySelectorAll("[data-plot]")) {
    fetch(el.dataset.plot, { headers: { Accept: "application/json" } }).then((r) => r.json()).then((d) => {
      if (!d.series.some((s) => s.ms.some((v) => v != null))) { el.textContent = "No handshake was completed in these days."; el.style.minHeight = "0"; return; }
      const ink = getComputedStyle(el).color;
      const grid = getComputedStyle(el).borderTopColor;
      const axis = { stroke: ink, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 } };
      const o = {
        width: el.clientWidth, height: 180, cursor: { y: false }, legend: { show: true, live: true },
        scales: { x: { range: () => [d.from, d.to] }, y: { range: (u, lo, hi) => [0, Math.max(hi * 1.1, 1)] } },
        axes: [axis, { ...axis, size: 60, values: (u, vs) => vs.map((v) => v + " ms") }],
        series: [{ value: (u, v) => v == null ? "–" : new Date(v * 1000).toLocaleString() },
          ...d.series.map((s, i) => ({ label: s.address, stroke: colours[i % colours.length], width: 1.5, dash: i >= colours.length ? [6, 4] : undefined, points: { show: d.at.length < 48 }, value: (u, v) => v == null ? "–" : v.toFixed(1) + " ms" }))],
      };
      const plot = new uPlot(o, [d.at, ...d.series.map((s) => s.ms)], el);
      new ResizeObserver(() => plot.setSize({ width: el.clientWidth, height: 180 })).observe(el);
    }).catch((e) => { console.warn(e); el.textContent = "The plot cannot be drawn now; the table says the same in short."; });
  }
})();
