// The filter bar, the shared legend and the figures of one report. State lives in the address.
(() => {
  "use strict";
  const page = JSON.parse(document.getElementById("payload").textContent);
  const blank = { x: "round", show: "mean", seed: "", setting: page.settings[0] ?? "", log: "", hide: "" };
  const state = { ...blank, ...Object.fromEntries(new URLSearchParams(location.hash.slice(1))) };
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const views = new Map();
  let beforeClick = "";
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  const hidden = () => new Set(state.hide ? state.hide.split("|") : []);

  // ---- figures ------------------------------------------------------------------------------

  function rows(columns) {
    const names = Object.keys(columns);
    const get = names.map((name) => {
      const column = columns[name];
      return column.codes ? (i) => column.levels[column.codes[i]] : (i) => column[i];
    });
    const first = columns[names[0]];
    const length = first ? (first.codes ?? first).length : 0;
    return Array.from({ length }, (_, i) => Object.fromEntries(names.map((name, n) => [name, get[n](i)])));
  }

  const unpacked = new Map();
  function table(name) {
    if (!unpacked.has(name)) unpacked.set(name, rows(page.tables[name]));
    return unpacked.get(name);
  }

  // The rows of one data set of a figure against the chosen axis; `resolve` in Python is its twin.
  function shown(data) {
    let found = data.columns ? rows(data.columns) : table(data.from);
    if (data.methods?.length) found = found.filter((row) => data.methods.includes(row.method));
    if (data.y) found = found.map((row) => ({ ...row, x: row[state.x], y: row[data.y] })).filter((row) => row.y !== null);
    return found.filter((row) =>
      (row.setting === undefined || row.setting === state.setting) &&
      (row.axis === undefined || row.axis === state.x) &&
      !(state.log && (row.axis !== undefined || data.y) && row.x <= 0));
  }

  function spread(row) {
    if (state.show === "median") return { ...row, y: row.median, low: row.lower, high: row.upper };
    return row;
  }

  function complete(figure, width) {
    const spec = structuredClone(figure.spec);
    spec.datasets = {};
    for (const [name, data] of Object.entries(figure.data)) {
      let found = shown(data);
      if (name === "band") found = state.seed ? [] : found.map(spread);
      if (name === "lines" && figure.data.ends && !state.seed && state.show !== "seeds") found = [];
      if (name === "ends" && (width < 520 || state.seed)) found = [];
      spec.datasets[name] = found;
    }
    if (figure.kind === "curve") {
      if (width < 520 || state.seed) spec.padding.right = 8;
      for (const layer of spec.layer) retitle(layer);
    }
    if (dark.matches) darken(spec);
    return spec;
  }

  function retitle(layer) {
    const x = layer.encoding?.x;
    if (!x || x.field !== "x") return;
    if (x.title) x.title = page.axes[state.x];
    if (x.axis && state.x !== "round") x.axis = { ...x.axis, format: "~s" };
    if (state.log) x.scale = { type: "log", nice: false };
  }

  function darken(spec) {
    for (const part of ["layer", "config"]) {
      const text = JSON.stringify(spec[part]);
      spec[part] = JSON.parse(page.paints.reduce((s, [l, d]) => s.replaceAll(`"${l}"`, `"${d}"`), text));
    }
  }

  async function draw(figure) {
    const place = document.getElementById(figure.key);
    const canvas = place.querySelector(".canvas");
    views.get(figure.key)?.finalize();
    const spec = complete(figure, canvas.clientWidth);
    const options = { renderer: "svg", actions: false, tooltip: { theme: dark.matches ? "dark" : "light" } };
    const result = await vegaEmbed(canvas, spec, options);
    views.set(figure.key, result);
    await signals(result.view);
  }

  async function signals(view, focus = "") {
    view.signal("hidden", [...hidden()]).signal("seed", state.seed);
    view.signal("seeds", state.show === "seeds").signal("focus", focus);
    await view.runAsync();
  }

  const drawAll = async (kind) => {
    for (const figure of page.figures) if (!kind || figure.kind === kind) await draw(figure);
  };
  const signalAll = (focus) => Promise.all([...views.values()].map(({ view }) => signals(view, focus)));

  // ---- tables -------------------------------------------------------------------------------

  function filterTables() {
    const off = hidden();
    for (const row of all("tbody tr")) {
      const { method, setting, seed } = row.dataset;
      const out = off.has(method) || (setting && setting !== state.setting) ||
        (state.seed && seed && seed !== state.seed);
      row.classList.toggle("hidden", Boolean(out));
    }
    for (const cell of all("td[data-seeds]")) {
      const value = cell.querySelector(".value");
      cell.dataset.all ??= cell.innerHTML;
      if (!state.seed) { cell.innerHTML = cell.dataset.all; continue; }
      const single = JSON.parse(cell.dataset.seeds)[state.seed];
      value.textContent = single ?? "–";
      const note = cell.querySelector("small");
      if (note) note.textContent = `seed ${state.seed}`;
    }
  }

  function sortable(table) {
    all("thead th", table).forEach((head, index) => head.querySelector("button").addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      all("thead th", table).forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const key = (row) => row.cells[index].dataset.sort;
      const body = table.tBodies[0];
      const numeric = [...body.rows].every((row) => key(row) === "inf" || key(row).trim() !== "" && !isNaN(key(row)));
      const value = (row) => numeric ? (key(row) === "inf" ? Infinity : Number(key(row))) : key(row);
      const order = (a, b) => (value(a) > value(b)) - (value(a) < value(b));
      [...body.rows].sort((a, b) => up ? order(a, b) : order(b, a)).forEach((row) => body.append(row));
    }));
  }

  // ---- state --------------------------------------------------------------------------------

  function remember() {
    const kept = Object.entries(state).filter(([key, value]) => key in blank && value !== blank[key]);
    history.replaceState(null, "", kept.length ? `#${new URLSearchParams(kept)}` : location.pathname + location.search);
  }

  function reflect() {
    const off = hidden();
    for (const chip of all(".chip")) chip.setAttribute("aria-pressed", String(!off.has(chip.dataset.method)));
    for (const chart of all("[data-about]")) chart.classList.toggle("off", off.has(chart.dataset.about));
    document.body.classList.toggle("one-seed", state.seed !== "");
    for (const input of all("[data-state]")) {
      if (input.type === "checkbox") input.checked = Boolean(state[input.dataset.state]);
      else input.value = state[input.dataset.state];
    }
  }

  async function change(update) {
    const before = { ...state };
    Object.assign(state, update);
    remember();
    reflect();
    filterTables();
    const same = (...keys) => keys.every((key) => before[key] === state[key]);
    if (!same("setting")) await drawAll();
    else if (!same("x", "show", "log", "seed")) await drawAll("curve");
    await signalAll();
  }

  function toggle(method, alone) {
    const off = hidden();
    const methods = page.methods;
    if (alone) {
      const isolated = !off.has(method) && off.size === methods.length - 1;
      change({ hide: isolated ? "" : methods.filter((m) => m !== method).join("|") });
      return;
    }
    if (!off.delete(method)) off.add(method);
    change({ hide: methods.filter((m) => off.has(m)).join("|") });
  }

  function wire() {
    for (const chip of all(".chip")) {
      const { method } = chip.dataset;
      chip.addEventListener("click", (event) => {
        if (event.detail > 1) return; // the second half of a double click
        beforeClick = state.hide;
        toggle(method, event.shiftKey);
      });
      chip.addEventListener("dblclick", () => { state.hide = beforeClick; toggle(method, true); });
      chip.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" || !event.shiftKey) return;
        event.preventDefault();
        toggle(method, true);
      });
      for (const kind of ["pointerenter", "focus"]) chip.addEventListener(kind, () => signalAll(method));
      for (const kind of ["pointerleave", "blur"]) chip.addEventListener(kind, () => signalAll());
    }
    for (const input of all("[data-state]")) {
      input.addEventListener("change", () =>
        change({ [input.dataset.state]: input.type === "checkbox" ? (input.checked ? "1" : "") : input.value }));
    }
    document.querySelector(".reset").addEventListener("click", () => change(blank));
    all("table[data-table]").forEach(sortable);
    for (const button of all("[data-save]")) button.addEventListener("click", () => save(button));
    for (const button of all("[data-csv]")) button.addEventListener("click", () => saveTable(button.dataset.csv));
    dark.addEventListener("change", () => drawAll());
    window.addEventListener("beforeprint", () => all("details").forEach((box) => { box.open = true; }));
  }

  // ---- downloads ----------------------------------------------------------------------------

  function download(url, name) {
    const link = document.createElement("a");
    Object.assign(link, { href: url, download: name });
    link.click();
  }

  async function save(button) {
    const key = button.closest(".chart").id;
    const kind = button.dataset.save;
    download(await views.get(key).view.toImageURL(kind, kind === "png" ? 3 : 1), `${page.name}-${key}.${kind}`);
  }

  function saveTable(name) {
    const quote = (value) => /[",\n]/.test(value) ? `"${String(value).replaceAll('"', '""')}"` : value ?? "";
    const names = Object.keys(page.tables[name]);
    const lines = [names.join(","), ...table(name).map((row) => names.map((n) => quote(row[n])).join(","))];
    const blob = new Blob([lines.join("\n") + "\n"], { type: "text/csv" });
    const url = URL.createObjectURL(blob);
    download(url, `${page.name}-${name}.csv`);
    setTimeout(() => URL.revokeObjectURL(url), 1000);
  }

  wire();
  reflect();
  filterTables();
  drawAll().then(() => { document.body.dataset.drawn = String(views.size); });
})();
