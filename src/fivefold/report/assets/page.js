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
function compare(first, second) {
  // What is missing comes last, whichever way.
  if (first === "" || second === "") return first === second ? 0 : first === "" ? 2 : -2;
  return typeof first === "number" && typeof second === "number"
    ? Math.sign(first - second)
    : String(first).localeCompare(String(second), "en", { numeric: true });
}

function sorted(table) {
  const heads = [...table.tHead.rows[0].cells];
  const valueOf = (row, at) => {
    const cell = row.cells[at];
    if (cell.dataset.order !== undefined) return Number(cell.dataset.order);
    const text = cell.textContent.trim();
    return text === "–" ? "" : text;
  };
  heads.forEach((head, at) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      // Numbers are most often wanted from the largest down.
      const first = head.classList.contains("right") ? "descending" : "ascending";
      const other = first === "ascending" ? "descending" : "ascending";
      const order = head.getAttribute("aria-sort") === first ? other : first;
      for (const each of heads) each.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", order);
      const rows = [...table.tBodies[0].rows].map((row) => [valueOf(row, at), row]);
      const turned = order === "descending" ? -1 : 1;
      rows.sort(([a], [b]) => {
        const found = compare(a, b);
        return Math.abs(found) === 2 ? found : turned * found;
      });
      table.tBodies[0].append(...rows.map(([, row]) => row));
    });
  });
}
for (const table of document.querySelectorAll("table.sortable")) sorted(table);

function filtered(section) {
  const line = document.createElement("div");
  line.className = "filter";
  const label = document.createElement("label");
  const input = document.createElement("input");
  input.type = "search";
  const told = document.createElement("output");
  label.append(section.dataset.filter, input);
  line.append(label, told);
  (section.querySelector(".note") ?? section.querySelector("h2")).after(line);
  const named = [
    ...[...section.querySelectorAll("figure:has(h3)")].map((f) => [f, f.querySelector("h3")]),
    ...[...section.querySelectorAll("tbody tr")].map((row) => [row, row.cells[0]]),
  ].map(([item, name]) => [item, name.textContent.toLowerCase()]);
  input.addEventListener("input", () => {
    const wanted = input.value.trim().toLowerCase();
    let shown = 0;
    for (const [item, name] of named) {
      item.hidden = !name.includes(wanted);
      shown += !item.hidden;
    }
    told.textContent = wanted ? `${shown} of ${named.length}` : "";
  });
}
for (const section of document.querySelectorAll("section[data-filter]")) filtered(section);

// No await: a site loads this file as a plain script, since a browser reads no module from file://.
Promise.allSettled([...document.querySelectorAll("figure:has(.chart)")].map(draw)).then((drawn) => {
  const failed = drawn.filter((result) => result.status === "rejected");
  for (const { reason } of failed) console.error(reason);
  document.documentElement.dataset.charts = failed.length ? "failed" : "drawn";
});
