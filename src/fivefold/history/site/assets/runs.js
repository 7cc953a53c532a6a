// What the pages' scripts share: the runs with their shared parts put back, and small functions.
window.Fivefold = (() => {
  const data = window.FIVEFOLD;
  const pool = data.pool;
  const named = (places) => Object.fromEntries(places.map((place) => [pool[place][0], pool[place].slice(1)]));
  for (const run of data.runs) {
    run.metrics = named(run.metrics);
    run.cost = named(run.cost);
  }
  const byId = new Map(data.runs.map((run) => [run.id, run]));
  const isNumber = (value) => typeof value === "number" && Number.isFinite(value);
  const short = (run) => run.id.slice(0, 7);
  const label = (run) =>
    `${short(run)} ${run.subject || "(no message)"}${run.branch ? ` (${run.branch})` : ""}`;
  const params = (run) => Object.assign({}, ...run.params.map((place) => pool[place]));

  function text(value) {
    if (value === undefined || value === null) return value === null ? "null" : "–";
    if (typeof value === "number") return String(Number(value.toPrecision(6)));
    return typeof value === "string" ? value : JSON.stringify(value);
  }

  function make(name, attributes = {}, ...children) {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  }

  function link(run) {
    const inside = [make("code", {}, short(run)), ` ${run.subject || "(no message)"}`];
    return run.page ? make("a", { href: `runs/${run.id}.html`, class: "run" }, ...inside) : make("span", {}, ...inside);
  }

  function fill(select, pairs, chosen) {
    for (const [value, title] of pairs) {
      const option = make("option", { value }, title);
      option.selected = value === chosen;
      select.append(option);
    }
  }

  // A colour that follows the scheme; Vega writes it into the picture as it is.
  const config = () => JSON.parse(document.getElementById("config").textContent);
  async function draw(place, spec) {
    const inner = make("div");
    place.replaceChildren(inner);
    const result = await window.vegaEmbed(inner, spec, {
      actions: false, ast: true, config: config(), defaultStyle: false, mode: "vega-lite",
      renderer: "svg", tooltip: { disableDefaultStyle: true, id: "tooltip" },
    });
    // The place around it is the picture, and has a label; the marks alone say nothing.
    inner.setAttribute("aria-hidden", "true");
    place.dataset.drawn = "yes";
    return result.view;
  }

  return { data, pool, byId, isNumber, short, label, params, text, make, link, fill, draw };
})();
