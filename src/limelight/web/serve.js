"use strict";
// The page of the server: which model, which files, and what went wrong.
document.addEventListener("DOMContentLoaded", async () => {
  const find = (name) => document.querySelector(name), models = new Map();
  const status = find(".status"), failure = find(".error"), drop = find(".drop"), token = find(".token");
  let view = null, viewOf = null, latest = 0, named = "";

  function headers() {
    const given = token.querySelector("input").value.trim();
    return given ? { Authorization: `Bearer ${given}` } : {};
  }

  function fail(sentence) {
    status.textContent = "";
    failure.textContent = sentence;
    failure.hidden = false;
  }

  async function ask(address, options = {}) {
    let response;
    try {
      response = await fetch(address, { ...options, headers: { ...headers(), ...options.headers } });
    } catch {
      throw new Error("The server cannot be reached; is it still running?");
    }
    if (response.status === 401) token.hidden = false;
    const content = await response.json().catch(() => null);
    if (!response.ok || content === null) throw new Error((content && content.error) || `expected an answer of limelight serve, got status ${response.status} without an error message; look at the output of the server`);
    return content;
  }

  async function list() {
    try {
      const found = await ask("/v1/models"), choice = find("select.model");
      choice.replaceChildren(...found.models.map((one) => { models.set(one.name, one); const line = document.createElement("option"); line.textContent = one.name; return line; }));
      failure.hidden = true;
      about();
    } catch (error) { fail(error.message); }
  }

  // Whether to go on although checked labels would be lost.
  function mayLeave() {
    const count = view ? view.unsaved() : 0;
    return !count || confirm(`${count === 1 ? "1 checked label is" : `${count} checked labels are`} not downloaded. Go on without ${count === 1 ? "it" : "them"}?`);
  }

  function about() {
    named = find("select.model").value;
    view = viewOf = null;
    latest++;  // an answer of the model before is not shown
    status.textContent = "";
    const model = models.get(named);
    const reads = Object.keys(model.metadata).length ? `; metadata: ${Object.keys(model.metadata).join(", ")}` : "";
    find(".about").textContent = `${model.task === "multilabel" ? "Any" : "One"} of ${model.classes.join(", ")} for each ${model.level === "step" ? "step" : "series"}. Channels: ${model.channels.join(", ")}${reads}.`;
    find(".answers").hidden = true;
  }

  async function send(files) {
    const model = models.get(find("select.model").value);
    if (!model) { await list(); return; }
    if (!files.length) { fail("expected files with series, got none, as in an empty folder; choose others"); return; }
    if (!mayLeave()) return;
    const turn = ++latest;
    failure.hidden = true;
    status.textContent = `Reading ${files.length === 1 ? files[0].name : `${files.length} files`} …`;
    const head = new TextEncoder().encode(JSON.stringify({ files: files.map((one) => ({ name: one.name, size: one.file.size })) }));
    const size = new Uint8Array(new Uint32Array([head.length]).buffer);
    try {
      const answer = await ask(`/v1/models/${encodeURIComponent(model.name)}/files`, {
        method: "POST", headers: { "Content-Type": "application/vnd.limelight.files" }, body: new Blob([size, head, ...files.map((one) => one.file)]) });
      if (turn !== latest) return;
      status.textContent = `${answer.predictions.length.toLocaleString("en")} series, answered by ${answer.model} (${answer.version}).`;
      if (viewOf !== model) {
        const fresh = find(".answers").cloneNode(true);
        find(".answers").replaceWith(fresh);
        [view, viewOf] = [answersView(fresh, model), model];
      }
      view.show(answer);
    } catch (error) {
      if (turn !== latest) return;
      fail(error.message);
      if (!find(".answers").hidden) status.textContent = "The answers below are those of the earlier files.";
    }
  }

  // A dropped folder is read to its files; hidden files are left out.
  async function entries(entry, path = "") {
    if (entry.name.startsWith(".")) return [];
    if (entry.isFile) return [{ name: path + entry.name, file: await new Promise((yes, no) => entry.file(yes, no)) }];
    const reader = entry.createReader(), found = [];
    for (;;) {
      const some = await new Promise((yes, no) => reader.readEntries(yes, no));
      if (!some.length) return found;
      for (const one of some) found.push(...await entries(one, `${path}${entry.name}/`));
    }
  }

  // The folder that was chosen is no part of the names of its files.
  function within(files) {
    const first = files.length ? files[0].name.split("/")[0] + "/" : "";
    return files.every((one) => one.name.startsWith(first) && first !== "/" && one.name.length > first.length)
      ? files.map((one) => ({ ...one, name: one.name.slice(first.length) })) : files;
  }

  const chosen = (input) => [...input.files].filter((file) => !file.name.startsWith(".")).map((file) => ({ name: file.webkitRelativePath || file.name, file }));
  for (const input of document.querySelectorAll("input[type=file]"))
    input.addEventListener("change", async () => { const files = within(chosen(input)); input.value = ""; await send(files); });
  for (const kind of ["dragover", "dragenter"]) drop.addEventListener(kind, (event) => { event.preventDefault(); drop.classList.add("over"); });
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", async (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    const items = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry && item.webkitGetAsEntry()).filter(Boolean);
    const files = items.length ? (await Promise.all(items.map((one) => entries(one)))).flat() : [...event.dataTransfer.files].map((file) => ({ name: file.name, file }));
    await send(within(files));
  });
  find("select.model").addEventListener("change", () => { if (mayLeave()) about(); else find("select.model").value = named; });
  addEventListener("beforeunload", (event) => { if (view && view.unsaved()) event.preventDefault(); });
  token.querySelector("input").addEventListener("change", () => { if (mayLeave()) list(); });
  await list();
});
