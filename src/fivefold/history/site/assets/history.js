// One metric over time, by branch, with its interval and the plan's thresholds.
(() => {
  const { data, isNumber, make, link, fill, draw, text, label } = window.Fivefold;
  const metrics = [...new Set(data.runs.flatMap((run) => Object.keys(run.metrics)))].filter((name) => data.runs.some((run) => isNumber(run.metrics[name]?.[0])));
  const branches = [...new Set(data.runs.map((run) => run.branch ?? "?"))];
  const metric = document.getElementById("metric");
  const branch = document.getElementById("branch");
  const primary = data.boards[0]?.metric;
  fill(metric, metrics.map((name) => [name, name]), metrics.includes(primary) ? primary : metrics[0]);
  fill(branch, branches.map((name) => [name, name]));
  const SHOWN = 5;

  async function show() {
    const name = metric.value;
    const often = new Map();
    for (const run of data.runs) often.set(run.branch ?? "?", (often.get(run.branch ?? "?") ?? 0) + 1);
    const first = [...often].sort((a, b) => b[1] - a[1]).slice(0, often.size > SHOWN + 1 ? SHOWN : SHOWN + 1).map(([key]) => key);
    const rows = data.runs
      .filter((run) => isNumber(run.metrics[name]?.[0]) && (!branch.value || (run.branch ?? "?") === branch.value))
      .map((run) => {
        const [value, low, high] = run.metrics[name];
        const own = run.branch ?? "?";
        return { run, time: run.time, said: label(run), value, low: low ?? value, high: high ?? value, branch: branch.value || first.includes(own) ? own : "other branches", trusted: ["ok", "unverified"].includes(run.status[0]) ? "trusted" : run.status[0] };
      });
    const newest = data.runs.find((run) => run.primary === name);
    const limits = Object.entries(newest?.thresholds ?? {}).map(([title, value]) => ({ title, value }));
    const y = { field: "value", type: "quantitative", title: name, scale: { zero: false } };
    const x = { field: "time", type: "temporal", title: null, scale: { type: "utc", padding: 14 }, axis: { tickCount: 6, labelOverlap: true } };
    // Named here, so that colour and shape share one legend: Vega merges those of one domain.
    const by = { field: "branch", type: "nominal", scale: { domain: [...new Set(rows.map((row) => row.branch))].sort() } };
    const plain = rows.map(({ run, ...row }) => row);
    const layer = [
      { mark: { type: "line", strokeWidth: 1.2, opacity: 0.6 }, encoding: { x, y, color: by } },
      { mark: { type: "rule", opacity: 0.55 }, encoding: { x, y: { ...y, field: "low" }, y2: { field: "high" }, color: by } },
      { mark: { type: "point", filled: true, size: 60 }, encoding: { x, y, color: by, shape: by, tooltip: [{ field: "said", title: "run" }, { field: "value", title: name, format: ".6~g" }, { field: "time", type: "temporal", title: "when", format: "%Y-%m-%d %H:%M" }, { field: "trusted", title: "results" }] } },
    ];
    if (limits.length) {
      const limit = { field: "value", type: "quantitative" };
      layer.push(
        { data: { values: limits }, mark: { type: "rule", strokeDash: [5, 4] }, encoding: { y: limit } },
        { data: { values: limits }, mark: { type: "text", align: "right", baseline: "bottom", dy: -3, fontSize: 11 }, encoding: { y: limit, x: { value: "width" }, text: { field: "title" } } },
      );
    }
    await draw(document.getElementById("history"), { width: "container", height: 320, autosize: { type: "fit-x", contains: "padding" }, data: { values: plain }, layer });
    const said = [`${rows.length} runs`];
    if (rows.some((row) => row.low !== row.high)) said.push("upright lines are 95% intervals");
    if (limits.length) said.push("dashed lines are the plan's thresholds");
    if (first.length < often.size && !branch.value) said.push("less used branches are drawn as one");
    document.getElementById("history-note").textContent = `${said.join("; ")}.`;
    const body = document.querySelector("#numbers tbody");
    body.replaceChildren(...rows.map((row) => make("tr", {}, make("td", {}, (row.time ?? "").slice(0, 16).replace("T", " ")), make("td", {}, link(row.run)), make("td", { class: "branch" }, row.run.branch ?? ""), make("td", { class: "right" }, text(row.value)), make("td", { class: "right" }, row.low !== row.high ? `${text(row.low)} to ${text(row.high)}` : ""))));
  }
  metric.addEventListener("change", show);
  branch.addEventListener("change", show);
  show();
})();
