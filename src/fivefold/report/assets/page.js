// Draws every chart of the page and fills the tables of numbers when they are unfolded.
const config = JSON.parse(document.getElementById("config").textContent);
const options = {
  actions: false,
  // The interpreter needs no eval, which the page's policy forbids.
  ast: true,
  config,
  defaultStyle: false,
  mode: "vega-lite",
  renderer: "svg",
  tooltip: { disableDefaultStyle: true, id: "tooltip" },
};

async function draw(figure) {
  // Vega overwrites the role and the label of the element that it draws into.
  const place = figure.querySelector(".chart").appendChild(document.createElement("div"));
  const spec = JSON.parse(figure.querySelector("script").textContent);
  try {
    await window.vegaEmbed(place, spec, options);
  } catch (error) {
    place.textContent = `This chart could not be drawn: ${error.message}`;
    place.classList.add("failed");
    throw error;
  }
}

function rowsOf(spec) {
  if (spec.datasets) return spec.datasets.rows ?? Object.values(spec.datasets)[0];
  if (spec.data?.values) return spec.data.values;
  return (spec.layer ?? []).map(rowsOf).find((rows) => rows) ?? [];
}

const written = new Intl.NumberFormat("en", { maximumSignificantDigits: 6 });

function unfold(figure, details) {
  if (details.querySelector("table")) return;
  const columns = JSON.parse(details.querySelector("script").textContent);
  const rows = rowsOf(JSON.parse(figure.querySelector("script").textContent));
  const table = document.createElement("table");
  const head = table.createTHead().insertRow();
  for (const [, title] of columns) {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.textContent = title;
    head.append(cell);
  }
  const body = table.createTBody();
  for (const row of rows) {
    const line = body.insertRow();
    for (const [field] of columns) {
      const value = row[field];
      const cell = line.insertCell();
      if (typeof value === "number") cell.className = "right";
      cell.textContent = typeof value === "number" ? written.format(value) : (value ?? "–");
    }
  }
  const region = document.createElement("div");
  region.className = "scroll";
  region.tabIndex = 0;
  region.append(table);
  details.append(region);
}

for (const figure of document.querySelectorAll("figure")) {
  const details = figure.querySelector("details.numbers");
  details?.addEventListener("toggle", () => unfold(figure, details));
  // A browser may bring a page back with its details open.
  if (details?.open) unfold(figure, details);
}
// No await: a site loads this file as a plain script, since a browser reads no module from file://.
Promise.allSettled([...document.querySelectorAll("figure:has(.chart)")].map(draw)).then((drawn) => {
  const failed = drawn.filter((result) => result.status === "rejected");
  for (const { reason } of failed) console.error(reason);
  document.documentElement.dataset.charts = failed.length ? "failed" : "drawn";
});
