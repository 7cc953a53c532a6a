// Opens a committed report in a frame that can run its own scripts and reach nothing of the site.
(() => {
  function open() {
    const id = location.hash.slice(1);
    const place = document.getElementById("frame");
    if (!/^[0-9a-f]{40}$/.test(id)) {
      place.textContent = "No report is named: open one from the page of a run.";
      return;
    }
    const frame = document.createElement("iframe");
    frame.setAttribute("sandbox", "allow-scripts");
    frame.title = "The committed report";
    frame.src = `reports/${id}.html`;
    place.replaceChildren(frame);
  }
  addEventListener("hashchange", open);
  open();
})();
