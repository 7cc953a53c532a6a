// The ranking: sorting by its headings, filters, choosing two runs to compare.
(() => {
  const table = document.getElementById("board");
  if (!table) return;
  const { byId, short } = window.Fivefold;
  const rows = [...table.querySelectorAll("tr[data-run]")];
  const filter = document.getElementById("filter");
  const column = document.getElementById("column");
  const needle = document.getElementById("needle");
  const count = document.getElementById("count");
  // Each picture below may keep a set of runs; a row is shown where all agree.
  const kept = new Map();

  function holds(row) {
    const words = filter.value.trim().toLowerCase();
    if (words && !row.textContent.toLowerCase().includes(words)) return false;
    const asked = needle.value.trim();
    if (column.value && asked) {
      const cell = row.cells[Number(column.value)];
      const compared = asked.match(/^(<=|>=|<|>|=)\s*(-?[\d.]+(?:e-?\d+)?)$/i);
      if (compared) {
        const value = cell.dataset.sort === "" ? NaN : Number(cell.dataset.sort);
        const limit = Number(compared[2]);
        const held = { "<": value < limit, ">": value > limit, "<=": value <= limit, ">=": value >= limit, "=": value === limit };
        if (!held[compared[1]]) return false;
      } else if (!cell.textContent.toLowerCase().includes(asked.toLowerCase())) return false;
    }
    return [...kept.values()].every((runs) => runs.has(row.dataset.run));
  }

  function show() {
    let shown = 0;
    for (const row of rows) {
      row.hidden = !holds(row);
      shown += !row.hidden;
    }
    count.textContent = shown === rows.length ? `${rows.length} rows` : `${shown} of ${rows.length} rows`;
  }

  function order(a, b) {
    if (a === b) return 0;
    if (a === "") return 1;
    if (b === "") return -1;
    const [x, y] = [Number(a), Number(b)];
    return Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b, "en", { numeric: true }) : x - y;
  }

  for (const button of table.querySelectorAll("thead button")) {
    button.addEventListener("click", () => {
      const head = button.closest("th");
      const place = Number(button.dataset.column);
      const turn = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
      for (const other of table.querySelectorAll("th[aria-sort]")) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", turn > 0 ? "ascending" : "descending");
      // Runs judged on other data never mix, however they are sorted.
      for (const body of table.tBodies) {
        const own = [...body.querySelectorAll("tr[data-run]")];
        const key = (row) => row.cells[place].dataset.sort ?? row.cells[place].textContent.trim();
        own.sort((a, b) => {
          const [x, y] = [key(a), key(b)];
          // What is missing stands last either way.
          return x === "" || y === "" ? order(x, y) : turn * order(x, y);
        });
        body.append(...own);
      }
    });
  }

  const form = document.getElementById("tools");
  form.addEventListener("input", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => {
    document.dispatchEvent(new CustomEvent("lift"));
    setTimeout(show);
  });

  const compare = document.getElementById("compare");
  const picked = document.getElementById("picked");
  const chosen = [];
  function say() {
    const ready = chosen.length === 2;
    compare.setAttribute("aria-disabled", String(!ready));
    compare.href = ready ? `compare.html#a=${chosen[0]}&b=${chosen[1]}` : "compare.html";
    const names = chosen.map((id) => short(byId.get(id)));
    picked.textContent = ready ? `base ${names[0]}, head ${names[1]}` : names.length ? `base ${names[0]}: choose the head` : "Choose two runs: the first is the base.";
  }
  table.addEventListener("change", (event) => {
    const box = event.target;
    if (box.type !== "checkbox") return;
    const at = chosen.indexOf(box.value);
    if (box.checked && at < 0) chosen.push(box.value);
    if (!box.checked && at >= 0) chosen.splice(at, 1);
    while (chosen.length > 2) {
      const gone = chosen.shift();
      for (const other of table.querySelectorAll(".pick input:checked")) if (other.value === gone) other.checked = false;
    }
    say();
  });
  compare.addEventListener("click", (event) => {
    if (compare.getAttribute("aria-disabled") === "true") event.preventDefault();
  });
  // A browser may bring the page back with boxes checked.
  for (const box of table.querySelectorAll(".pick input")) box.checked = false;

  window.Fivefold.keep = (name, runs) => {
    if (runs) kept.set(name, runs);
    else kept.delete(name);
    show();
  };
  show();
})();
