// The diff of any two runs, worked out here as `fivefold diff` works it out.
(() => {
  const { data, pool, byId, isNumber, params, text, make, link, label, fill, short } = window.Fivefold;
  const base = document.getElementById("base");
  const head = document.getElementById("head");
  const place = document.getElementById("diff");

  const same = (a, b) => {
    const key = (value) => JSON.stringify(value, (_, inner) => (inner && typeof inner === "object" && !Array.isArray(inner) ? Object.fromEntries(Object.entries(inner).sort()) : inner));
    return key(a) === key(b);
  };

  // MOVER: the interval of a difference from both intervals (Zou and Donner 2008).
  function noise([a, aLow, aHigh], [b, bLow, bHigh]) {
    if (![aLow, aHigh, bLow, bHigh].every(isNumber)) return null;
    const change = b - a;
    return change - Math.hypot(b - bLow, aHigh - a) <= 0 && 0 <= change + Math.hypot(bHigh - b, a - aLow);
  }

  function judge(name, old, now) {
    if (!old) return "added";
    if (!now) return "removed";
    if (same(old[0], now[0])) return "same";
    const [goal] = data.goals[name] ?? [null];
    if (!isNumber(old[0]) || !isNumber(now[0]) || !goal) return "changed";
    if (noise(old, now)) return "noise";
    return now[0] > old[0] === (goal === "maximize") ? "better" : "worse";
  }

  function table(caption, heads, rows) {
    const right = heads.map((title) => title.startsWith(">"));
    const head = make("tr", {}, ...heads.map((title, at) => make("th", { scope: "col", ...(right[at] ? { class: "right" } : {}) }, title.replace(/^>/, ""))));
    const body = rows.map((row) => make("tr", {}, ...row.map((cell, at) => make("td", right[at] ? { class: "right" } : {}, cell))));
    return make("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": caption }, make("table", {}, make("caption", {}, caption), make("thead", {}, head), make("tbody", {}, ...body)));
  }

  function section(id, title, ...content) {
    return make("section", { "aria-labelledby": id }, make("h2", { id }, title), ...content);
  }

  const SIGNS = { better: "▲ better", worse: "▼ worse", noise: "≈ within noise", same: "= same", changed: "changed", added: "added", removed: "removed" };
  const word = (kind) => make("span", { class: `word ${kind}` }, SIGNS[kind]);
  const signed = (value) => (value > 0 ? "+" : "") + String(Number(value.toPrecision(4)));

  function order(names, primary) {
    return [...names].sort((a, b) => Number(b === primary) - Number(a === primary));
  }

  function stageChanges(a, b) {
    const before = new Map(a.stages.map((at) => [pool[at].name, pool[at]]));
    const after = new Map(b.stages.map((at) => [pool[at].name, pool[at]]));
    const rows = [];
    for (const name of new Set([...after.keys(), ...before.keys()])) {
      const [old, now] = [before.get(name), after.get(name)];
      if (!old || !now) { rows.push([name, now ? "added" : "removed", ""]); continue; }
      if (old === now) continue;
      const because = [];
      if (!same(old.command, now.command)) because.push("command");
      for (const part of ["deps", "params"]) for (const key of [...new Set([...Object.keys(old[part]), ...Object.keys(now[part])])].sort()) if (!same(old[part][key], now[part][key])) because.push(key);
      if (because.length || !same(old.outs, now.outs)) rows.push([name, "re\u2011run", because.length > 12 ? `${because.slice(0, 12).join(", ")} and ${because.length - 12} more` : because.join(", ")]);
    }
    return rows;
  }

  function planned(run) {
    return run.gates.map((at) => pool[at]).map(([kind, name, metric, relation, limit, value, passed, required]) => ({ kind, name, metric, relation, limit, value, passed, required }));
  }

  // The gates of `fivefold gate`, but for exceptions, tolerances and what only the base recorded.
  function gatesOf(a, b, decisive) {
    const gates = planned(b);
    const fail = (kind, name, metric, relation, limit, value, passed = false) => gates.push({ kind, name, metric, relation, limit, value, passed, required: true });
    if (decisive?.[1] && isNumber(decisive[1][0])) {
      const [name, old, now, kind] = decisive;
      fail("regression", `regression.${name}`, name, data.goals[name]?.[0] === "minimize" ? "<=" : ">=", old[0], now?.[0] ?? null, ["better", "same", "noise"].includes(kind));
    }
    fail("integrity", "integrity", "results", "=", "ok", b.status[0], ["ok", "unverified"].includes(b.status[0]));
    if (a.primary && !b.primary) fail("weakened", "weakened.plan", "plan", "=", a.primary, null);
    else if (a.primary && a.primary !== b.primary) fail("weakened", "weakened.primary_metric", "primary metric", "=", a.primary, b.primary);
    const held = new Map(planned(b).map((gate) => [gate.name, gate]));
    for (const gate of b.primary ? planned(a) : []) {
      const now = held.get(gate.name)?.limit ?? null;
      const other = gate.kind === "threshold" && a.primary !== b.primary;
      const looser = now !== null && !other && (gate.relation === ">=" ? now < gate.limit : now > gate.limit);
      if (now === null || looser) fail("weakened", `weakened.${gate.name}`, gate.metric, gate.relation, gate.limit, now);
    }
    return gates;
  }

  function said({ kind, name, metric, relation, limit, value }) {
    if (kind === "integrity") return `the results are ${value}`;
    if (kind === "weakened") return `the plan is weakened (${name.replace("weakened.", "")} ${value === null ? `${text(limit)} is dropped` : `${text(limit)} → ${text(value)}`})`;
    if (value === null) return `${metric} is missing (${relation} ${text(limit)})`;
    if (kind === "regression") return `${metric} is worse beyond noise`;
    return `${metric} ${text(value)} is not ${relation} ${text(limit)}`;
  }

  function show() {
    const [a, b] = [byId.get(base.value), byId.get(head.value)];
    if (!a || !b) return;
    document.title = `${short(a)} to ${short(b)} · ${data.project}`;
    const primary = b.primary ?? a.primary ?? data.boards[0]?.metric;
    const names = order(new Set([...Object.keys(b.metrics), ...Object.keys(a.metrics)]), primary);
    const judged = names.map((name) => [name, a.metrics[name], b.metrics[name], judge(name, a.metrics[name], b.metrics[name])]);
    // What changed stands first; each part in the plan's order.
    const calm = ([name, , , kind]) => Number(kind === "same" && name !== primary);
    judged.sort((one, other) => calm(one) - calm(other));
    const decisive = judged.find(([name]) => name === primary);
    const gates = a === b ? planned(b) : gatesOf(a, b, decisive);
    const failed = gates.filter(({ passed, required }) => required && !passed);
    let verdict = a === b ? "A run is the same as itself." : !decisive ? "No metric that decides is on both sides." : { same: `Same ${primary}`, noise: `Within noise: ${primary}`, better: `Better: ${primary}`, worse: `Worse: ${primary}`, changed: `Changed: ${primary}`, added: `Only the head has ${primary}`, removed: `Only the base has ${primary}` }[decisive[3]];
    if (a !== b && decisive?.[1] && decisive?.[2]) verdict += ` ${text(decisive[1][0])} → ${text(decisive[2][0])}`;
    if (failed.length) verdict += `; not acceptable: ${failed.map(said).join("; ")}`;
    const kind = failed.length || decisive?.[3] === "worse" ? "bad" : decisive?.[3] === "better" ? "good" : "info";
    const sign = make("span", { class: `sign ${kind}`, "aria-hidden": "true" }, { bad: "✕", good: "✓", info: "i" }[kind]);
    const parts = [make("p", { class: "verdict", id: "verdict" }, sign, verdict), make("p", { class: "quiet" }, "Base ", link(a), " · Head ", link(b))];
    for (const [side, run] of [["Base", a], ["Head", b]]) if (!["ok", "unverified"].includes(run.status[0])) parts.push(make("div", { class: "alert bad", role: "note" }, make("span", { class: "sign bad", "aria-hidden": "true" }, "✕"), make("p", {}, `${side} is ${run.status[0]}: ${run.status[1].join("; ")}`)));
    const ends = (m) => (m && isNumber(m[1]) ? ` [${text(Number(m[1].toPrecision(4)))}, ${text(Number(m[2].toPrecision(4)))}]` : "");
    const metricRows = judged.map(([name, old, now, word_]) => [name, { maximize: "more is better", minimize: "less is better" }[data.goals[name]?.[0]] ?? "", old ? text(old[0]) + ends(old) : "–", now ? text(now[0]) + ends(now) : "–", old && now && isNumber(old[0]) && isNumber(now[0]) && old[0] !== now[0] ? signed(now[0] - old[0]) : "", word(word_)]);
    const notes = [];
    if (judged.some(([, , , k]) => k === "noise")) notes.push(make("p", { class: "quiet" }, `Noise is by ${data.method}.`));
    const guessed = judged.filter(([name, , , k]) => data.goals[name]?.[1] === "guessed" && k !== "same").map(([name]) => name);
    if (guessed.length) notes.push(make("p", { class: "quiet" }, `Which way is better is guessed from the name: ${guessed.slice(0, 4).join(", ")}${guessed.length > 4 ? ", …" : ""}.`));
    const heads = ["metric", "goal", ">base", ">head", ">change", "judgement"];
    const moved = judged.filter((row) => !calm(row)).length;
    const content = [];
    if (moved) content.push(table("Metrics that differ", heads, metricRows.slice(0, moved)));
    if (moved < metricRows.length) content.push(make("details", { class: "fold" }, make("summary", {}, `${metricRows.length - moved} metrics are the same`), table("Metrics that are the same", heads, metricRows.slice(moved))));
    parts.push(section("metrics", "Metrics", ...content, ...notes));
    // Those that fail first, then those that are marks on the way.
    const weight = ({ passed, required }) => (passed ? 2 : required ? 0 : 1);
    gates.sort((one, other) => weight(one) - weight(other));
    if (gates.length) parts.push(section("gates", "Gates", table("What the head is held against", ["gate", "asked", ">is", "verdict"], gates.map((gate) => [gate.name, `${gate.metric} ${gate.relation} ${text(gate.limit)}`, gate.value === null ? (gate.kind === "weakened" ? "dropped" : gate.required ? "missing" : "not recorded") : text(gate.value), gate.passed ? "✓ passed" : gate.required ? "✕ fails" : gate.value === null ? "–" : "not reached"]))));
    const [p, q] = [params(a), params(b)];
    const changed = [...new Set([...Object.keys(q), ...Object.keys(p)])].filter((name) => !same(p[name], q[name]) || name in p !== name in q);
    parts.push(section("params", "Params", changed.length ? table(`${changed.length} params differ`, ["param", "base", "head"], changed.map((name) => [name, name in p ? text(p[name]) : "–", name in q ? text(q[name]) : "–"])) : make("p", {}, "No param differs.")));
    const code = [...new Set([...Object.keys(pool[a.code]), ...Object.keys(pool[b.code])])].filter((stage) => pool[a.code][stage] !== pool[b.code][stage]);
    if (code.length) parts.push(section("code", "Code", make("p", {}, `The code of ${code.join(", ")} differs.`)));
    const kept = (run) => new Map(run.data.map((at) => [pool[at][0], pool[at]]));
    const [x, y] = [kept(a), kept(b)];
    const paths = [...new Set([...y.keys(), ...x.keys()])].filter((path) => x.get(path)?.[1] !== y.get(path)?.[1]).sort();
    const bytes = (item) => (isNumber(item?.[2]) ? `, ${item[2].toLocaleString("en")} bytes` : "");
    const hash = (item) => (item ? `${item[1].slice(0, 10)}${bytes(item)}` : "–");
    parts.push(section("data", "Data", paths.length ? table(`${paths.length} paths differ`, ["path", "base", "head"], paths.map((path) => [path, hash(x.get(path)), hash(y.get(path))])) : make("p", {}, "No data that DVC keeps differs.")));
    const stages = stageChanges(a, b);
    parts.push(section("stages", "Stages", stages.length ? table("Stages that ran again, or are new", ["stage", "change", "because of"], stages) : make("p", {}, "No stage ran again.")));
    const cost = [...new Set([...Object.keys(b.cost), ...Object.keys(a.cost)])].filter((stage) => !same(a.cost[stage], b.cost[stage]));
    const spent = (row, at, unit) => (isNumber(row?.[at]) ? `${text(Number(row[at].toPrecision(4)))} ${unit}` : "–");
    if (cost.length) parts.push(section("cost", "Cost", table("Seconds and memory of the stages that differ", ["stage", ">base", ">head", ">base memory", ">head memory"], cost.map((stage) => [stage, spent(a.cost[stage], 0, "s"), spent(b.cost[stage], 0, "s"), spent(a.cost[stage], 1, "MB"), spent(b.cost[stage], 1, "MB")]))));
    place.replaceChildren(...parts);
  }

  const pairs = data.runs.map((run) => [run.id, label(run)]);
  fill(base, pairs);
  fill(head, pairs);
  function read() {
    const asked = new URLSearchParams(location.hash.slice(1));
    const ranked = data.boards[0]?.runs ?? [];
    // Without an address: the newest run against the leader.
    const fallback = byId.get(ranked[0])?.id ?? data.runs[0].id;
    base.value = byId.get(asked.get("a"))?.id ?? (fallback === data.runs[0].id ? data.runs.at(-1).id : fallback);
    head.value = byId.get(asked.get("b"))?.id ?? data.runs[0].id;
    show();
  }
  function write() {
    history.replaceState(null, "", `#a=${base.value}&b=${head.value}`);
    show();
  }
  base.addEventListener("change", write);
  head.addEventListener("change", write);
  document.getElementById("choose").addEventListener("submit", (event) => event.preventDefault());
  document.getElementById("swap").addEventListener("click", () => {
    [base.value, head.value] = [head.value, base.value];
    write();
  });
  addEventListener("hashchange", read);
  read();
})();
