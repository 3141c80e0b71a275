"use strict";
(() => {
  // Figures name colours by the variables of the style sheet, so that one page serves light, dark and paper.
  const holder = document.getElementById("figures");
  const figures = holder ? JSON.parse(holder.textContent) : {};
  const look = () => getComputedStyle(document.documentElement);
  const scales = { "--epochs": ["--epochs0", "--epochs1", "--epochs2"], "--shares": ["--share0", "--share1"] };
  const coloured = (value, key, style) => {
    if (typeof value === "string" && value.startsWith("--")) {
      if (key === "colorscale") {
        const names = scales[value];
        return names.map((name, at) => [at / (names.length - 1), style.getPropertyValue(name).trim()]);
      }
      return key === "color" ? style.getPropertyValue(value).trim() : value;
    }
    if (Array.isArray(value)) return value.map((item) => (item && typeof item === "object" ? coloured(item, "", style) : item));
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, coloured(item, name, style)]));
    }
    return value;
  };
  const axis = (given, style) => ({
    automargin: true, gridcolor: style.getPropertyValue("--line").trim(), linecolor: style.getPropertyValue("--faint").trim(),
    showline: true, zeroline: false, nticks: 6, exponentformat: "power", ...given,
    title: given.title ? { standoff: 8, ...given.title } : undefined,
    tickfont: { color: style.getPropertyValue("--muted").trim(), size: 11 },
  });
  const layoutOf = (given, style) => {
    const layout = coloured(given, "", style);
    const ink = style.getPropertyValue("--ink").trim();
    const card = style.getPropertyValue("--card").trim();
    return {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", margin: { l: 44, r: 10, t: 10, b: 34 },
      font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: ink },
      hoverlabel: { bgcolor: card, bordercolor: style.getPropertyValue("--faint").trim(), font: { color: ink, size: 12 }, align: "left" },
      legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom" }, hovermode: "closest",
      dragmode: window.matchMedia("(pointer: coarse)").matches ? false : "zoom",
      ...layout, xaxis: axis(layout.xaxis || {}, style), yaxis: axis(layout.yaxis || {}, style),
    };
  };
  const draw = () => {
    const style = look();
    for (const [name, figure] of Object.entries(figures)) {
      const place = document.getElementById(name);
      if (place) {
        window.Plotly.react(place, coloured(figure.data, "", style), layoutOf(figure.layout, style), { displayModeBar: false, responsive: true });
      }
    }
  };
  if (holder && window.Plotly) {
    draw();
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
    window.matchMedia("print").addEventListener("change", draw);
  }

  for (const button of document.querySelectorAll("[data-copy]")) {
    button.addEventListener("click", async () => {
      const block = document.getElementById(button.dataset.copy);
      try {
        await navigator.clipboard.writeText(block.textContent);
        button.textContent = "Copied";
      } catch {  // files opened from a disk may not reach the clipboard: leave the text selected
        window.getSelection().selectAllChildren(block);
        button.textContent = "Selected";
      }
    });
  }

  for (const table of document.querySelectorAll("table.sortable")) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const key = (row) => row.cells[column].dataset.key;
      const compare = (a, b) => {
        const [x, y] = [key(a), key(b)];
        if (x === "" || y === "") return (x === "") - (y === "");  // empty ones last, either way
        const order = isNaN(x) || isNaN(y) ? x.localeCompare(y) : x - y;
        return down ? -order : order;
      };
      table.tBodies[0].append(...[...table.tBodies[0].rows].sort(compare));
    }));
  }

  const parallel = document.getElementById("parallel");
  if (parallel) {
    const lines = [...parallel.querySelectorAll("polyline")].map((line) => [line, line.dataset.y.split(",").map(Number)]);
    const picked = new Map();  // axis -> [top, bottom]
    const show = () => {
      for (const [line, heights] of lines) {
        const inside = [...picked].every(([at, [top, bottom]]) => heights[at] >= top && heights[at] <= bottom);
        line.classList.toggle("off", !inside);
      }
    };
    const height = (event) => {
      const box = parallel.getBoundingClientRect();
      const y = ((event.clientY - box.top) * parallel.viewBox.baseVal.height) / box.height;
      return Math.min(Math.max(y, +parallel.dataset.top - 6), +parallel.dataset.bottom + 8);
    };
    for (const group of parallel.querySelectorAll(".axis")) {
      const [grip, brush, at] = [group.querySelector(".grip"), group.querySelector(".brush"), +group.dataset.axis];
      let start = null;
      grip.addEventListener("pointerdown", (event) => { start = height(event); grip.setPointerCapture(event.pointerId); });
      grip.addEventListener("pointermove", (event) => {
        if (start === null || Math.abs(height(event) - start) < 3) return;
        const [top, bottom] = [start, height(event)].sort((a, b) => a - b);
        brush.setAttribute("y", top);
        brush.setAttribute("height", bottom - top);
        picked.set(at, [top, bottom]);
        show();
      });
      grip.addEventListener("pointerup", () => { start = null; });
      grip.addEventListener("dblclick", () => { picked.delete(at); brush.setAttribute("height", 0); show(); });
    }
  }
})();
