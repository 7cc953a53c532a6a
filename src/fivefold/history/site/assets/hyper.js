// Hyperparameters against the metric: parallel coordinates, and a scatter of any two.
(() => {
  const { data, byId, isNumber, params, text, make, fill, draw, label, keep, short } = window.Fivefold;
  const place = document.getElementById("parallel");
  const board = data.boards.find((item) => item.name === place?.dataset.board);
  if (!place || !board) return;
  const runs = board.runs.map((id) => byId.get(id)).filter((run) => run && isNumber(run.metrics[board.metric]?.[0]));
  const table = new Map();
  for (const run of runs) {
    const row = { ...params(run), model: run.model ?? undefined };
    for (const [metric, [value]] of Object.entries(run.metrics)) row[`metric: ${metric}`] = value;
    const cost = Object.values(run.cost).reduce((sum, [seconds]) => sum + (seconds ?? 0), 0);
    if (cost) row["seconds of all stages"] = cost;
    table.set(run.id, row);
  }
  const plain = (value) => (value === undefined || value === null ? undefined : typeof value === "object" ? JSON.stringify(value) : value);
  const names = [...new Set([...table.values()].flatMap((row) => Object.keys(row)))];
  // An axis on which all runs stand at one point tells nothing.
  const said = (key) => JSON.stringify([...table.values()].map((row) => plain(row[key]) ?? null));
  const varying = names.filter((key) => (key === "model" || said(key) !== said("model")) && new Set([...table.values()].map((row) => plain(row[key]))).size > 1);
  const metric = `metric: ${board.metric}`;
  const spread = (key) => new Set([...table.values()].map((row) => plain(row[key]))).size;
  const hyper = varying.filter((key) => !key.startsWith("metric: ") && key !== "seconds of all stages");
  const held = (key) => [...table.values()].filter((row) => row[key] !== undefined).length;
  const likely = (key) => Number(/^(model|train|tune|select)\b/.test(key)) - Number(/\b(_target_|n_jobs)$/.test(key));
  // First what the most runs have, of the parts that are usually tried.
  const start = hyper
    .filter((key) => spread(key) <= 40 || isNumber(table.values().next().value[key]))
    .sort((a, b) => Number(b === "model") - Number(a === "model") || likely(b) - likely(a) || held(b) - held(a))
    .slice(0, 5);
  const title = (key) => key.replace(/^metric: /, "");
  const chosen = new Set([...start, ...(varying.includes(metric) ? [metric] : [])]);
  const ranges = new Map();
  const svgName = "http://www.w3.org/2000/svg";
  const HEIGHT = 300, TOP = 44, BOTTOM = 20;

  function svg(tag, attributes, content) {
    const element = document.createElementNS(svgName, tag);
    for (const [key, value] of Object.entries(attributes ?? {})) element.setAttribute(key, value);
    if (content !== undefined) element.textContent = content;
    return element;
  }

  function scaleOf(key) {
    const values = [...table.values()].map((row) => plain(row[key])).filter((value) => value !== undefined);
    const numeric = values.every(isNumber);
    const low = TOP + 10, high = HEIGHT - BOTTOM;
    if (numeric) {
      const [least, most] = [Math.min(...values), Math.max(...values)];
      const span = most - least || 1;
      const y = (value) => high - ((value - least) / span) * (high - low);
      return { y: (value) => (isNumber(value) ? y(value) : undefined), ticks: [least, (least + most) / 2, most].map((v) => [y(v), text(Number(v.toPrecision(4)))]) };
    }
    const kinds = [...new Set(values.map(String))].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
    const y = (value) => {
      const at = value === undefined ? -1 : kinds.indexOf(String(value));
      return at < 0 ? undefined : high - (kinds.length === 1 ? 0.5 : at / (kinds.length - 1)) * (high - low);
    };
    const step = Math.ceil(kinds.length / 12);
    return { y, ticks: kinds.filter((_, i) => i % step === 0).map((kind) => [y(kind), kind.length > 16 ? `${kind.slice(0, 15)}…` : kind]) };
  }

  const within = (id) => [...ranges].every(([key, [top, bottom, scale]]) => {
    const y = scale.y(plain(table.get(id)[key]));
    return y !== undefined && y >= top - 0.5 && y <= bottom + 0.5;
  });

  function filterRuns() {
    const held = new Set(runs.map((run) => run.id).filter(within));
    for (const line of place.querySelectorAll(".run")) line.classList.toggle("off", !held.has(line.dataset.run));
    keep("parallel", ranges.size ? held : null);
  }

  function drawParallel() {
    const keys = varying.filter((key) => chosen.has(key) && key !== metric);
    if (chosen.has(metric)) keys.push(metric);
    for (const key of [...ranges.keys()]) if (!keys.includes(key)) ranges.delete(key);
    if (keys.length < 1) {
      place.replaceChildren(make("p", { class: "quiet" }, "Nothing that can be shown differs between the runs."));
      return;
    }
    const GAP = Math.max(150, Math.min(230, 1000 / keys.length));
    const width = GAP * (keys.length - 1) + 220;
    const picture = svg("svg", { width, height: HEIGHT + 4, viewBox: `0 0 ${width} ${HEIGHT + 4}`, role: "group", "aria-label": `Parallel coordinates of ${runs.length} runs` });
    const scales = keys.map(scaleOf);
    const x = (at) => 70 + at * GAP;
    for (const run of runs) {
      let path = "", pen = "M";
      keys.forEach((key, at) => {
        const y = scales[at].y(plain(table.get(run.id)[key]));
        if (y === undefined) { pen = "M"; return; }
        path += `${pen}${x(at)} ${y.toFixed(1)}`;
        pen = "L";
      });
      const line = svg("path", { class: "run", d: path || "M0 0" });
      line.dataset.run = run.id;
      line.append(svg("title", {}, `${label(run)}: ${keys.map((key) => `${title(key)} ${text(table.get(run.id)[key])}`).join(", ")}`));
      picture.append(line);
    }
    keys.forEach((key, at) => {
      const scale = scales[at];
      if (ranges.has(key)) ranges.get(key)[2] = scale;
      const axis = svg("g", { class: "axis", tabindex: "0", role: "group", "aria-label": `${title(key)}: arrows keep a range`, transform: `translate(${x(at)} 0)` });
      axis.dataset.key = key;
      const head = title(key).length > 24 ? `…${title(key).slice(-23)}` : title(key);
      axis.append(svg("text", { class: "title", x: 0, y: at % 2 && GAP < 170 ? 30 : 14, "text-anchor": at === 0 ? "start" : "middle", dx: at === 0 ? -60 : 0 }, head));
      axis.append(svg("line", { x1: 0, x2: 0, y1: TOP, y2: HEIGHT - BOTTOM + 8 }));
      for (const [y, said] of scale.ticks) axis.append(svg("text", { x: 8, y: y + 4 }, said));
      const brush = svg("rect", { class: "brush", x: -9, width: 18, y: 0, height: 0, visibility: "hidden" });
      const hit = svg("rect", { class: "hit", x: -14, width: 28, y: TOP - 4, height: HEIGHT - BOTTOM - TOP + 16 });
      axis.append(brush, hit);
      const [least, most] = [TOP, HEIGHT - BOTTOM + 8];
      function set(top, bottom) {
        if (bottom - top < 3 || (top <= least && bottom >= most)) ranges.delete(key);
        else ranges.set(key, [top, bottom, scale]);
        mark();
        filterRuns();
      }
      function mark() {
        const range = ranges.get(key);
        brush.setAttribute("visibility", range ? "visible" : "hidden");
        if (range) { brush.setAttribute("y", range[0]); brush.setAttribute("height", range[1] - range[0]); }
      }
      // From where the picture was at the start: the table above it shrinks while it is filtered.
      let from = null, above = 0;
      const at0 = (event) => Math.max(least, Math.min(most, event.clientY - above));
      hit.addEventListener("pointerdown", (event) => {
        above = picture.getBoundingClientRect().top;
        from = at0(event);
        hit.setPointerCapture(event.pointerId);
      });
      hit.addEventListener("pointermove", (event) => { if (from !== null) set(Math.min(from, at0(event)), Math.max(from, at0(event))); });
      hit.addEventListener("pointerup", () => { from = null; });
      axis.addEventListener("keydown", (event) => {
        const step = { ArrowUp: -12, ArrowDown: 12 }[event.key];
        if (event.key === "Escape") set(0, 0);
        if (!step) return;
        event.preventDefault();
        const [top, bottom] = ranges.get(key) ?? [least, most];
        if (event.shiftKey) set(Math.max(least, Math.min(bottom - 6, top + step)), bottom);
        else set(top, Math.min(most, Math.max(top + 6, bottom + step)));
      });
      mark();
      picture.append(axis);
    });
    place.replaceChildren(picture);
    filterRuns();
  }

  const axes = document.getElementById("axes");
  const offered = [...varying].sort((a, b) => Number(chosen.has(b)) - Number(chosen.has(a))).slice(0, 40);
  for (const key of offered) {
    const box = make("input", { type: "checkbox", value: key });
    box.checked = chosen.has(key);
    box.addEventListener("change", () => {
      if (box.checked) chosen.add(key);
      else chosen.delete(key);
      drawParallel();
    });
    axes.append(make("label", {}, box, title(key)));
  }
  document.addEventListener("lift", () => { ranges.clear(); drawParallel(); keep("scatter", null); drawScatter(); });

  const across = document.getElementById("across");
  const up = document.getElementById("up");
  const pairs = varying.map((key) => [key, title(key)]);
  fill(across, pairs, start[0] ?? varying[0]);
  fill(up, pairs, varying.includes(metric) ? metric : varying[0]);
  async function drawScatter() {
    const target = document.getElementById("scatter");
    if (!varying.length) { target.textContent = ""; return; }
    const [x, y] = [across.value, up.value];
    const kind = (key) => ([...table.values()].every((row) => row[key] === undefined || isNumber(row[key])) ? "quantitative" : "nominal");
    const values = runs.map((run) => ({ id: run.id, run: label(run), model: run.model ?? "run", x: plain(table.get(run.id)[x]), y: plain(table.get(run.id)[y]) })).filter((row) => row.x !== undefined && row.y !== undefined);
    const channel = (field, key) => ({ field, type: kind(key), title: title(key), ...(kind(key) === "quantitative" ? { scale: { zero: false } } : {}), axis: { labelAngle: 0 } });
    const models = new Set(values.map((row) => row.model));
    const coloured = models.size > 1 && models.size <= 6;
    const view = await draw(target, {
      width: "container", height: 300, autosize: { type: "fit-x", contains: "padding" },
      data: { name: "rows", values },
      params: [{ name: "brush", select: "interval" }],
      mark: { type: "point", filled: true, size: 70, opacity: 0.85 },
      encoding: {
        x: channel("x", x), y: channel("y", y),
        ...(coloured ? { color: { field: "model", type: "nominal" }, shape: { field: "model", type: "nominal" } } : {}),
        tooltip: [{ field: "run", title: "run" }, { field: "x", title: title(x) }, { field: "y", title: title(y) }],
      },
    });
    view.addSignalListener("brush", (_, box) => {
      const fields = Object.entries(box ?? {}).filter(([key]) => key === "x" || key === "y");
      if (!fields.length) { keep("scatter", null); return; }
      const inside = (row) => fields.every(([key, ends]) => (isNumber(row[key]) && ends.length === 2 && ends.every(isNumber) ? row[key] >= ends[0] && row[key] <= ends[1] : ends.includes(row[key])));
      keep("scatter", new Set(values.filter(inside).map((row) => row.id)));
    });
    view.addEventListener("dblclick", () => keep("scatter", null));
  }
  for (const select of [across, up]) select.addEventListener("change", () => { keep("scatter", null); drawScatter(); });
  drawParallel();
  drawScatter();
})();
