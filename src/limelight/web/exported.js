"use strict";
// The exported page: files in, answers of the model in this page out.
document.addEventListener("DOMContentLoaded", () => {
  const MOST_CLASSES = 6, MOST_FIELDS = 4, MOST_SPANS = 200;
  const find = (name) => document.querySelector(name), model = JSON.parse(find(".description").textContent);
  const status = find(".status"), failure = find(".error"), drop = find(".drop"), bySteps = model.level === "step", several = model.task === "multilabel";
  const { element, runs } = answersView;
  let panel = null, items = [], opened = null, busy = false, view = null, turn = Promise.resolve();

  function fail(error) {
    status.textContent = "";
    failure.textContent = error instanceof tables.Unreadable ? error.message : `The model could not answer: ${error.message || error}`;
    failure.hidden = false;
  }

  const wordsOf = (place) => [...panel.fields].map(([name, column]) => [name, column.words[place]]);

  function columns() {
    const shares = bySteps || model.classes.length > MOST_CLASSES ? [] : model.classes;
    return [...shares, ...[...panel.fields.keys()].slice(0, MOST_FIELDS)];
  }

  function extra(place) {
    const found = columns().map((name) => [name, ""]), shares = bySteps || model.classes.length > MOST_CLASSES ? [] : model.classes;
    shares.forEach((name, at) => { found[at][1] = items[place].probabilities[name].toFixed(3); });
    wordsOf(place).slice(0, MOST_FIELDS).forEach(([, word], at) => { found[shares.length + at][1] = word || "–"; });
    return found;
  }

  // Spans of equal labels with the mean probability of the label.
  function spans(place) {
    const item = items[place], found = [];
    const add = (name, labels, wanted, shares) => {
      for (const { from, to, value } of runs(labels)) {
        if (wanted !== null && value !== wanted) continue;
        const own = shares(value).slice(from, to);
        found.push({ from, to, name: name ?? value, share: own.reduce((sum, one) => sum + one, 0) / own.length });
      }
    };
    if (several) for (const name of model.classes) add(name, item.prediction[name], 1, () => item.probabilities[name]);
    else add(null, item.prediction, null, (label) => item.probabilities[label]);
    return found.sort((a, b) => a.from - b.from);
  }

  function table(heads, rows) {
    const box = element("div", "", { class: "scroll" }), made = element("table", ""), head = element("tr", ""), body = element("tbody", "");
    head.append(...heads.map((name) => element("th", name, { scope: "col" })));
    for (const cells of rows) {
      const line = element("tr", "");
      line.append(...cells.map((cell) => element("td", cell)));
      body.append(line);
    }
    const top = element("thead", "");
    top.append(head);
    made.append(top, body);
    box.append(made);
    return box;
  }

  function more(place, box) {
    if (bySteps) {
      const shown = panel.series[place].shown, found = spans(place);
      const rows = found.slice(0, MOST_SPANS).map((one) => [String(shown[one.from]), String(shown[one.to - 1]), one.name, one.share.toFixed(3)]);
      const made = table(["From", "To", "Label", "Probability"], rows);
      made.classList.add("spans");
      box.append(made);
      if (found.length > MOST_SPANS) box.append(element("p", `The first ${MOST_SPANS} of ${found.length} spans are listed; the download has every step.`, { class: "quiet" }));
    }
    else if (!items[place].colours) explain(place, box);
    if (panel.fields.size) box.append(table(["Metadata", "Value"], wordsOf(place).map(([name, word]) => [name, word || "–"])));
  }

  // A model without attention or evidence: what mattered is measured for the series that is looked at.
  async function explain(place, box) {
    const item = items[place], shown = view, wanted = () => shown === view && shown.isSelected(place) && !busy;
    if (!occlusion.isMeasured(panel, place)) return;
    box.querySelector(".key").append(element("span", "measuring what mattered …"));
    await new Promise((yes) => setTimeout(yes, 150));
    turn = turn.then(async () => {
      const found = wanted() && !item.colours ? await occlusion.explain(await opened, panel, place, item, model, wanted) : null;
      if (!found) return;
      item.colours = { name: "occlusion", values: found };
      shown.refresh(place);
    }).catch(fail);
  }

  function predictionCells(item, step) {
    const pick = (given) => step === null ? given : given[step];
    const labels = several ? model.classes.map((name) => item.prediction === null ? "" : pick(item.prediction[name])) : [item.prediction === null ? "" : pick(item.prediction)];
    return [...labels, ...model.classes.map((name) => pick(item.probabilities[name]))];
  }

  // The table of "limelight predict", and the metadata.
  function downloaded() {
    const heads = [...(several ? model.classes.map((name) => `prediction_${name}`) : ["prediction"]), ...model.classes.map((name) => `probability_${name}`)];
    if (bySteps) return [["series_id", "time", ...heads], ...items.flatMap((item, place) => panel.series[place].shown.map((time, step) => [item.id, time, ...predictionCells(item, step)]))];
    const windows = panel.areWindows ? ["recording", "first_step", "steps"] : [], novelty = items.some((item) => item.novelty !== undefined);
    const rows = items.map((item, place) => {
      const one = panel.series[place], origin = panel.areWindows ? [one.recording, one.from, one.length] : [];
      return [item.id, ...origin, ...predictionCells(item, null), ...(novelty ? [item.novelty] : []), ...(model.abstain ? [item.abstained] : []), ...wordsOf(place).map(([, word]) => word)];
    });
    return [["series_id", ...windows, ...heads, ...(novelty ? ["novelty"] : []), ...(model.abstain ? ["abstained"] : []), ...panel.fields.keys()], ...rows];
  }

  function unseen(name) {
    const made = element("th", "", { scope: "col" });
    made.append(element("span", name, { class: "unseen" }));
    return made;
  }

  function show() {
    const fresh = find(".answers").cloneNode(true), head = fresh.querySelector("thead tr");
    find(".answers").replaceWith(fresh);
    head.replaceChildren(...["Series", "Prediction", bySteps ? "Margin" : "Probability", ...columns()].map((name) => element("th", name, { scope: "col" })), unseen("Remark"));
    fresh.querySelector(".split").classList.toggle("stacked", columns().length > 3);
    const series = panel.series.map((one, place) => classifier.picture(one, items[place], model.resolution));
    view = answersView(fresh, model, { correct: false, extra, more });
    view.show({ predictions: items, series, channels: panel.channels, notes: panel.notes, are_windows: panel.areWindows });
    fresh.querySelector(".predictions").addEventListener("click", () => csv.download(downloaded(), "predictions.csv"));
  }

  // Starts the model once; what goes wrong is shown with the first files.
  function start() {
    opened ??= classifier.open(find(".graph").textContent, globalThis.limelightRuntime);
    opened.catch(() => {});
  }

  async function classify(chosen) {
    if (!chosen.length || busy) return;
    busy = true;
    failure.hidden = true;
    find(".answers").hidden = true;
    try {
      status.textContent = `Reading ${chosen.length === 1 ? chosen[0].name : `${chosen.length} files`} …`;
      const given = await Promise.all(chosen.map(async (file) => files.open(await files.bytesOf(file), file.name, model)));
      const read = reader.read(given, model), notes = [];
      status.textContent = "Starting the model …";
      await turn;
      start();
      const found = await classifier.predict(await opened, read, model, notes, (done) => { status.textContent = `${done.toLocaleString("en")} of ${read.series.length.toLocaleString("en")} series …`; });
      [panel, items] = [{ ...read, notes: [...read.notes, ...notes] }, found];
      show();
      status.textContent = `${items.length.toLocaleString("en")} series, answered in this page.`;
    } catch (error) {
      fail(error);
    }
    busy = false;
  }

  find(".about").textContent = `${several ? "Any" : "One"} of ${model.classes.join(", ")} for each ${bySteps ? "step" : "series"}. Channels: ${model.channels.join(", ")}${model.fields.length ? `; metadata: ${model.fields.join(", ")}` : ""}.`;
  if (!globalThis.limelightRuntime) {
    fail(new tables.Unreadable(`expected the file '${model.runtime}' beside this page, got none; copy it into the same folder`));
    return;
  }
  setTimeout(start, 100);
  find(".files").addEventListener("change", async (event) => { await classify([...event.target.files]); event.target.value = ""; });
  for (const kind of ["dragover", "dragenter"]) drop.addEventListener(kind, () => drop.classList.add("over"));
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    classify([...event.dataTransfer.files]);
  });
});
