"use strict";
// All series of a report: searched by id, by state, or by a cell of the confusion matrix, and downloaded for relabelling.
document.addEventListener("DOMContentLoaded", () => {
  const box = document.querySelector(".finder");
  if (!box) return;
  const list = JSON.parse(box.querySelector("script").textContent);
  const kinds = { u1: Uint8Array, u2: Uint16Array, u4: Uint32Array };
  for (const name of ["state", "truth", "predicted", "probability", "wrong", "known"])
    if (list[name]) {
      const bytes = Uint8Array.from(atob(list[name].bdata), (letter) => letter.charCodeAt(0));
      list[name] = new kinds[list[name].dtype](bytes.buffer);
    }
  const drawn = new Map(list.drawn), search = box.querySelector("input"), found = box.querySelector(".found");
  const note = box.querySelector(".filter"), states = box.querySelectorAll("button[data-state]");
  const words = ["", "wrong", "doubtful"], PAGE = 10;
  const order = [...list.ids.keys()].sort((a, b) => rank(a) - rank(b));
  let state = "all", cell = null, shown = PAGE;

  // Wrong series first, the most confident of them at the top; then the least confident of the others.
  function rank(place) {
    const wrong = list.state[place] === 1;
    if (list.by_step) return -list.wrong[place] / Math.max(list.known[place], 1);
    return wrong ? -list.probability[place] : 65536 + list.probability[place];
  }

  function inCell(place) {
    if (list.by_step) return (list.cells[cell] || []).includes(place);
    const [label, ...pair] = cell.includes(",", cell.indexOf(",") + 1) ? cell.split(",").map(Number) : [0, ...cell.split(",").map(Number)];
    return list.names[list.truth[place]][1][label] === pair[0] && list.names[list.predicted[place]][1][label] === pair[1];
  }

  function matching() {
    const text = search.value.trim().toLowerCase();
    return order.filter((place) => (!text || list.ids[place].toLowerCase().includes(text))
      && (state === "all" || String(list.state[place]) === state) && (cell === null || inCell(place)));
  }

  function element(tag, text, attributes = {}) {
    const made = document.createElement(tag);
    made.textContent = text;
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    return made;
  }

  function row(place, heads) {
    const line = document.createElement("tr");
    line.append(element("th", list.ids[place], { scope: "row" }));
    const cells = list.by_step
      ? [`${list.wrong[place].toLocaleString("en")} of ${list.known[place].toLocaleString("en")}`]
      : [list.names[list.truth[place]][0], list.names[list.predicted[place]][0], (list.probability[place] / 65535).toFixed(3)];
    cells.forEach((text, at) => line.append(element("td", text, { "data-title": heads[at + 1] })));
    const last = element("td", "");
    if (list.state[place]) last.append(element("span", words[list.state[place]], { class: list.state[place] === 1 ? "tag bad" : "tag" }), " ");
    if (drawn.has(place)) last.append(element("a", "figure", { href: `#series-${drawn.get(place)}` }));
    line.append(last);
    return line;
  }

  function show() {
    const places = matching();
    const heads = list.by_step ? ["Series", "Wrong labels", ""] : ["Series", "True", "Predicted", "Probability", ""];
    const table = element("table", "", { class: "stack" }), head = document.createElement("tr"), body = document.createElement("tbody");
    for (const title of heads) head.append(element("th", title, { scope: "col" }));
    const top = document.createElement("thead");
    top.append(head);
    for (const place of places.slice(0, shown)) body.append(row(place, heads));
    table.append(top, body);
    found.replaceChildren(places.length ? table : element("p", "No series matches.", { class: "quiet" }));
    if (places.length > shown) {
      const more = element("button", `Show more (${(places.length - shown).toLocaleString("en")})`, { type: "button", class: "more" });
      more.addEventListener("click", () => { shown += 5 * PAGE; show(); });
      found.append(more);
    }
    for (const button of states) button.setAttribute("aria-pressed", String(button.dataset.state === state));
    note.hidden = cell === null;
  }

  function rows() {
    const chosen = order.filter((place) => list.state[place]);
    if (list.by_step) return [["series_id", "wrong_labels", "known_labels"], ...chosen.map((p) => [list.ids[p], list.wrong[p], list.known[p]])];
    const several = list.labels.length > 0, heads = several ? list.labels.map((name) => `label_${name}`) : ["label"];
    const truth = (p) => several ? list.names[list.truth[p]][1].map((code) => code < 0 ? "" : code) : [list.names[list.truth[p]][0]];
    return [["series_id", ...heads, "prediction", "probability", "state"],
      ...chosen.map((p) => [list.ids[p], ...truth(p), list.names[list.predicted[p]][0], (list.probability[p] / 65535).toFixed(4), words[list.state[p]]])];
  }

  search.addEventListener("input", () => { shown = PAGE; show(); });
  for (const button of states) button.addEventListener("click", () => { state = button.dataset.state; shown = PAGE; show(); });
  box.querySelector(".export").addEventListener("click", () => csv.download(rows(), `${box.dataset.name}_relabel.csv`));
  for (const link of document.querySelectorAll("a[data-cell]"))
    link.addEventListener("click", () => {
      cell = link.dataset.cell;
      const own = link.closest("tr"), column = [...link.closest("tr").children].indexOf(link.closest("td"));
      const predicted = link.closest("table").querySelectorAll("thead tr > *")[column].textContent;
      const matrix = link.closest(".grid > div");
      note.textContent = `${matrix ? matrix.querySelector("h3").textContent + ": " : ""}true ${own.querySelector("th").textContent}, predicted ${predicted}`;
      const clear = element("button", "Show all", { type: "button" });
      clear.addEventListener("click", () => { cell = null; show(); });
      note.append(clear);
      [state, shown, search.value] = ["all", PAGE, ""];
      show();
    });
  show();
});
