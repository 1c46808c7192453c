"use strict";
// The table of answers, the chosen series beside it, and corrected labels. Used by the server's page and the exported page.
const answersView = (() => {
  const ROWS = 200;

  function element(tag, text, attributes = {}) {
    const made = document.createElement(tag);
    if (text) made.textContent = text;
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    return made;
  }

  const percent = (share) => `${(100 * share).toFixed(1)} %`;

  // How near another answer is, in [0, 1]; for labels of steps, on average.
  function doubtOf(item, model) {
    const columns = model.classes.map((name) => item.probabilities[name]);
    const margin = (numbers) => {
      if (model.task === "multilabel") return 2 * Math.min(...numbers.map((p) => Math.abs(p - 0.5)));
      const [first, second] = [...numbers].sort((a, b) => b - a);
      return first - second;
    };
    if (model.level !== "step") return 1 - margin(columns);
    let sum = 0;
    for (let step = 0; step < columns[0].length; step++) sum += 1 - margin(columns.map((one) => one[step]));
    return sum / columns[0].length;
  }

  // Runs of equal values, as spans of steps.
  function runs(values) {
    const found = [];
    values.forEach((value, step) => {
      const last = found[found.length - 1];
      if (last && last.value === value) last.to = step + 1;
      else found.push({ from: step, to: step + 1, value });
    });
    return found;
  }

  // extra: further cells of an item as [title, text]; more: appends to the details of an item.
  const create = (root, model, { correct = true, extra = () => [], more = () => {} } = {}) => {
    const bySteps = model.level === "step", several = model.task === "multilabel";
    const find = (name) => root.querySelector(name);
    let answer = null, order = [], selected = -1, labels = new Map(), listed = ROWS, downloaded = true;

    function labelOf(place) { return labels.has(place) ? labels.get(place) : answer.predictions[place].prediction; }

    function isSame(place) { return JSON.stringify(labelOf(place)) === JSON.stringify(answer.predictions[place].prediction); }

    function words(label) {
      if (label === null) return "no answer";
      if (several && !bySteps) return model.classes.filter((name) => label[name] === 1).join(", ") || "none";
      return String(label);
    }

    function summary(place) {
      if (!bySteps) return words(labelOf(place));
      const label = labelOf(place);
      if (several) return model.classes.map((name) => `${name} ${label[name].filter((one) => one === 1).length}`).join(", ");
      const counts = new Map();
      for (const one of label) counts.set(one, (counts.get(one) || 0) + 1);
      return [...counts].sort((a, b) => b[1] - a[1]).slice(0, 3).map(([name, count]) => `${name} ${count}`).join(", ");
    }

    function sort() {
      const by = find(".sort").value, items = answer.predictions, doubts = items.map((item) => doubtOf(item, model));
      const text = find("input[type=search]").value.trim().toLowerCase();
      const unusual = items.map((item) => item.outside_training ? 1 : 0);
      const keys = { doubt: (a, b) => doubts[b] - doubts[a], unusual: (a, b) => unusual[b] - unusual[a] || doubts[b] - doubts[a],
        file: (a, b) => a - b, answer: (a, b) => summary(a).localeCompare(summary(b)) || doubts[b] - doubts[a] };
      order = [...items.keys()].filter((place) => !text || String(items[place].id).toLowerCase().includes(text)).sort(keys[by]);
      listed = ROWS;
      list();
    }

    // An id that is written from right to left does not affect the text around it.
    function named(tag, id, attributes = {}) {
      const made = element(tag, "", attributes);
      made.append(element("bdi", String(id)));
      return made;
    }

    // How certain an answer is; of several labels, the least certain one.
    function sure(item) {
      if (bySteps) return percent(1 - doubtOf(item, model));
      const shares = model.classes.map((name) => item.probabilities[name]);
      return percent(several ? Math.min(...shares.map((share) => Math.max(share, 1 - share))) : Math.max(...shares));
    }

    function row(place) {
      const item = answer.predictions[place], line = element("tr", "", { tabindex: place === selected ? "0" : "-1", "aria-selected": String(place === selected) });
      line.dataset.place = place;
      const last = element("td", "", { "data-title": "" });
      if (labels.has(place)) last.append(element("span", isSame(place) ? "confirmed" : "corrected", { class: "tag done" }), " ");
      if (item.outside_training) last.append(element("span", "unusual", { class: "tag bad", title: item.outside_training }));
      line.append(named("th", item.id, { scope: "row" }), element("td", summary(place), { "data-title": "Prediction" }), element("td", sure(item), { "data-title": bySteps ? "Margin" : "Probability" }),
        ...extra(place).map(([title, text]) => element("td", text, { "data-title": title })), last);
      line.addEventListener("click", () => select(place));
      return line;
    }

    function list() {
      const body = find(".list tbody"), further = find(".further"), rest = order.length - listed;
      body.replaceChildren(...order.slice(0, listed).map(row));
      find(".count").textContent = !order.length ? "No series has this id." : rest > 0 ? `The first ${listed.toLocaleString("en")} of ${order.length.toLocaleString("en")} are listed.` : "";
      further.hidden = rest <= 0;
      further.textContent = `List ${Math.min(ROWS, rest)} more`;
      const first = body.querySelector("[tabindex='0']") || body.firstElementChild;
      if (first) first.tabIndex = 0;
      count();
    }

    function count() {
      const button = find(".export");
      if (button) button.textContent = `Download labels (${labels.size} checked)`;
    }

    function select(place, focus = false) {
      selected = place;
      for (const line of root.querySelectorAll(".list tbody tr")) {
        const own = Number(line.dataset.place) === place;
        line.setAttribute("aria-selected", String(own));
        line.tabIndex = own ? 0 : -1;
        if (own && focus) line.focus();
      }
      detail();
    }

    function lanes(place) {
      if (!bySteps) return [];
      const item = answer.predictions[place], label = labelOf(place);
      const lane = (name, given) => ({ name, spans: runs(given).map((one) => ({ ...one, kind: model.classes.indexOf(one.value) % 6 })) });
      const one = (name, given, kind) => ({ name, spans: runs(given).filter((run) => run.value === 1).map((run) => ({ ...run, kind })) });
      if (several) return model.classes.map((name, kind) => one(name, label[name], kind % 6));
      return labels.has(place) ? [lane("model", item.prediction), lane("corrected", label)] : [lane("model", item.prediction)];
    }

    function draw() {
      if (selected < 0) return;
      const box = find(".figure"), mark = correct && bySteps ? (from, to) => { find(".from").value = from; find(".to").value = to; find(".apply").focus(); } : null;
      const shown = chart.draw(box, answer.series[selected], { names: answer.channels, lanes: lanes(selected), onSpan: mark });
      if (answer.channels.length > shown) box.append(element("p", `The first ${shown} of ${answer.channels.length} channels are drawn.`, { class: "quiet" }));
    }

    function detail() {
      const item = answer.predictions[selected], box = find(".detail"), colours = answer.series[selected].colours;
      box.replaceChildren(named("h2", item.id));
      if (item.outside_training) box.append(element("p", `Unlike the training series: ${item.outside_training}`, { class: "error" }));
      if (item.abstained) box.append(element("p", "The model gives no answer for this series: it is too uncertain.", { class: "callout" }));
      box.append(element("div", "", { class: "figure" }), key(colours));
      if (!bySteps) {
        const shares = element("ul", "", { class: "probabilities" });
        for (const name of [...model.classes].sort((a, b) => item.probabilities[b] - item.probabilities[a]).slice(0, 12)) {
          const line = element("li"), bar = element("span", "", { class: "bar-of-share" });
          bar.style.setProperty("--share", item.probabilities[name]);
          line.append(element("span", name), bar, element("span", percent(item.probabilities[name])));
          shares.append(line);
        }
        box.append(shares);
      }
      more(selected, box);
      if (item.novelty !== undefined) box.append(element("p", `Distance to the training series: ${item.novelty.toFixed(2)}`, { class: "quiet" }));
      if (correct && !answer.are_windows) box.append(bySteps ? spanForm() : labelForm());
      draw();
    }

    function key(colours) {
      const box = element("div", "", { class: "key" });
      if (colours) {
        const own = element("span");
        own.append(element("i", "", { class: colours.name === "attention" ? "glow" : "diverging" }),
          colours.name === "attention" ? "attention: the darker, the higher" : `${colours.name}: orange is for the prediction, purple against it`);
        box.append(own);
      }
      for (const [at, name] of bySteps ? model.classes.entries() : []) {
        const own = element("span");
        own.append(element("i", "", { class: `class-${at % 6}` }), name);
        box.append(own);
      }
      return box;
    }

    function setLabel(place, label) {
      labels.set(place, label);
      downloaded = false;
      const line = root.querySelector(`.list tr[data-place="${place}"]`);
      if (line) line.replaceWith(row(place));
      count();
    }

    function labelForm() {
      const form = element("fieldset"), tools = element("div", "", { class: "tools" }), label = labelOf(selected);
      form.append(element("legend", "Label"), tools);
      if (several)
        for (const name of model.classes) {
          const box = element("input", "", { type: "checkbox" }), line = element("label");
          box.checked = label[name] === 1;
          box.addEventListener("change", () => setLabel(selected, { ...labelOf(selected), [name]: box.checked ? 1 : 0 }));
          line.append(box, ` ${name}`);
          tools.append(line);
        }
      else {
        const choice = element("select", "", { class: "label", "aria-label": "Label of this series" });
        for (const name of model.classes) choice.append(element("option", name));
        choice.value = label === null ? "" : String(label);
        choice.addEventListener("change", () => setLabel(selected, choice.value));
        tools.append(choice);
      }
      const confirm = element("button", "Confirm", { type: "button", class: "confirm" });
      confirm.disabled = label === null;
      confirm.addEventListener("click", () => setLabel(selected, labelOf(selected)));
      tools.append(confirm);
      return form;
    }

    // Spans of labels of steps: dragged on the figure, or typed.
    function spanForm() {
      const form = element("fieldset"), tools = element("div", "", { class: "tools" }), n = answer.series[selected].length;
      const [from, to] = ["from", "to"].map((name) => element("input", "", { type: "number", class: name, min: 0, max: n - 1, "aria-label": `${name} step` }));
      const choice = element("select", "", { class: "label", "aria-label": "Label of these steps" });
      for (const name of several ? model.classes.flatMap((one) => [one, `not ${one}`]) : model.classes) choice.append(element("option", name));
      const apply = element("button", "Label these steps", { type: "button", class: "apply" });
      apply.addEventListener("click", () => {
        if (from.value === "" || to.value === "") { from.focus(); return; }
        const [a, b] = [Number(from.value), Number(to.value)].sort((x, y) => x - y), label = structuredClone(labelOf(selected));
        const target = several ? label[model.classes[choice.selectedIndex >> 1]] : label;
        for (let step = Math.max(0, a); step <= Math.min(n - 1, b); step++) target[step] = several ? 1 - choice.selectedIndex % 2 : choice.value;
        setLabel(selected, label);
        draw();
      });
      tools.append("steps", from, "to", to, choice, apply);
      form.append(element("legend", "Drag across the figure, or type the first and the last step"), tools);
      return form;
    }

    // A table for limelight train: "known" is 1 where a person corrected or confirmed, for --set data.mask=known.
    function table() {
      const items = answer.predictions, heads = several ? model.classes.map((name) => `label_${name}`) : ["label"];
      if (!bySteps)
        return [["series_id", ...heads, "known"], ...items.map((item, place) => {
          const label = labelOf(place);
          return [item.id, ...(several ? model.classes.map((name) => label[name]) : [label]), labels.has(place) ? 1 : 0];
        })];
      const rows = [["series_id", "time", ...answer.channels, ...heads]];
      items.forEach((item, place) => {
        const picture = answer.series[place], label = labelOf(place);
        for (let step = 0; step < picture.length; step++)
          rows.push([item.id, picture.times[step], ...picture.channels.map((channel) => channel.values[step]),
            ...(several ? model.classes.map((name) => label[name][step]) : [label[step]])]);
      });
      return rows;
    }

    find(".sort").addEventListener("change", sort);
    find("input[type=search]").addEventListener("input", sort);
    find(".further").addEventListener("click", () => {
      const next = listed;
      listed += ROWS;
      list();
      select(order[next], true);
    });
    find(".list tbody").addEventListener("keydown", (event) => {
      const at = order.indexOf(selected), moves = { ArrowDown: 1, ArrowUp: -1, j: 1, k: -1, Home: -order.length, End: order.length };
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); select(Number(event.target.closest("tr").dataset.place)); return; }
      if (!(event.key in moves)) return;
      event.preventDefault();
      select(order[Math.min(Math.min(order.length, listed) - 1, Math.max(0, at + moves[event.key]))], true);
    });
    if (find(".export")) find(".export").addEventListener("click", () => {
      csv.download(table(), bySteps ? "series_corrected.csv" : "labels_corrected.csv");
      downloaded = true;
    });
    new ResizeObserver(() => { if (answer) draw(); }).observe(find(".detail"));

    return {
      // Shows a series again if it is still the selected one.
      refresh(place) { if (place === selected) detail(); },
      isSelected: (place) => place === selected,
      // How many labels a person checked since the last download.
      unsaved: () => downloaded ? 0 : labels.size,
      show(given) {
        answer = given;
        [labels, downloaded] = [new Map(), true];
        root.hidden = false;
        find("input[type=search]").value = "";
        const button = find(".export");
        if (button) button.hidden = given.are_windows;
        for (const name of ["warnings", "notes"]) {
          const box = find(`.${name}`);
          if (!box) continue;
          box.replaceChildren(...(given[name] || []).map((line) => element("li", line)));
          box.closest("details").hidden = !(given[name] || []).length;
        }
        sort();
        select(order[0]);
      },
    };
  };
  return Object.assign(create, { element, runs });
})();
