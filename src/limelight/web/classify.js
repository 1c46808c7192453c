"use strict";
// Runs the model over series, a few at a time, and describes the answers as the server does.
const classifier = (() => {
  const MOST_SERIES = 512, MOST_POINTS = 1000, MOST_STRETCHES = 300;

  const bytes = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));

  async function unzipped(base64) {
    const stream = new Blob([bytes(base64)]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  }

  // runtime: ONNX Runtime Web as text and compressed code, so that nothing is fetched.
  async function open(graph, runtime) {
    const address = URL.createObjectURL(new Blob([runtime.module], { type: "text/javascript" }));
    const ort = await import(address);
    ort.env.wasm.numThreads = 1;
    ort.env.wasm.wasmBinary = (await unzipped(runtime.wasm)).buffer;
    return { ort, session: await ort.InferenceSession.create(await unzipped(graph), { logSeverityLevel: 3 }) };
  }

  function batches(series, steps) {
    const order = [...series.keys()].sort((a, b) => series[b].length - series[a].length), found = [];
    for (let start = 0; start < order.length;) {
      const size = Math.max(1, Math.min(MOST_SERIES, Math.floor(steps / series[order[start]].length)));
      found.push(order.slice(start, start + size));
      start += size;
    }
    return found;
  }

  // The arrays of some series, padded to the length of the first.
  function padded(series, model) {
    const n = series.length, time = series[0].length, width = model.channels.length;
    const values = new Float64Array(n * time * width), lengths = new BigInt64Array(n), elapsed = new Float64Array(n * time);
    const signals = model.vocabulary ? model.vocabulary.signals : [], codes = new BigInt64Array(n * time * signals.length);
    const known = signals.map((one) => new Map(one.words.map((word, place) => [word, BigInt(place + 1)])));
    series.forEach((one, place) => {
      lengths[place] = BigInt(one.length);
      for (let step = 0; step < one.length; step++) {
        const at = place * time + step;
        for (let channel = 0; channel < width; channel++) values[at * width + channel] = Math.fround(one.values[channel][step] - model.offset[channel]) + model.offset[channel];
        if (one.times && step) elapsed[at] = one.times[step] - one.times[step - 1];
        signals.forEach((signal, number) => { codes[at * signals.length + number] = (one.signals.has(signal.name) && known[number].get(one.signals.get(signal.name)[step])) || 0n; });
      }
    });
    return { values: [values, [n, time, width]], lengths: [lengths, [n]], elapsed: [elapsed, [n, time]], signals: [codes, [n, time, signals.length]] };
  }

  const typeOf = (array) => array instanceof BigInt64Array ? "int64" : array instanceof Float64Array ? "float64" : "float32";

  // The outputs for some series, the longest first; "rows" are those of their metadata.
  async function run({ ort, session }, series, rows, encoded, model) {
    const given = { ...padded(series, model), ...(encoded ? fields.arrays(encoded, rows) : {}) };
    return session.run(Object.fromEntries(session.inputNames.map((name) => [name, new ort.Tensor(typeOf(given[name][0]), ...given[name])])));
  }

  // Yields to the page between batches; "progress" gets the number of series that are done.
  async function predict(opened, panel, model, notes, progress) {
    const answers = Array(panel.series.length);
    panel.encoded = model.vocabulary ? fields.encode(model, panel, notes) : null;
    let done = 0;
    for (const rows of batches(panel.series, model.steps_per_batch)) {
      const outputs = await run(opened, rows.map((row) => panel.series[row]), rows, panel.encoded, model), time = panel.series[rows[0]].length;
      rows.forEach((row, place) => { answers[row] = describe(outputs, place, panel.series[row], time, model); });
      progress(done += rows.length);
      await new Promise((yes) => setTimeout(yes));
    }
    return answers;
  }

  // One series of a batch, as an object of the server's answers.
  function describe(outputs, place, one, time, model) {
    const { classes, task, abstain } = model, several = task === "multilabel", bySteps = model.level === "step", k = classes.length;
    const steps = bySteps ? one.length : 1, start = place * (bySteps ? time : 1), shares = outputs.probabilities.data, codes = outputs.prediction.data;
    const listed = (pick) => bySteps ? Array.from({ length: steps }, (_, step) => pick(start + step)) : pick(start);
    const byClass = (pick) => Object.fromEntries(classes.map((name, column) => [name, listed((at) => pick(at, column))]));
    const item = { id: one.id, probabilities: byClass((at, column) => shares[at * k + column]) };
    if (shares.slice(start * k, (start + steps) * k).some((share) => !Number.isFinite(share))) tables.fail(`expected finite numbers, got a series whose values are too large for the model ('${one.id}'); check its values`);
    item.prediction = several ? byClass((at, column) => Number(codes[at * k + column])) : listed((at) => classes[Number(codes[at])]);
    if (!bySteps) item.code = several ? classes.map((_, column) => shares[start * k + column]).reduce((best, share, column, all) => share > all[best] ? column : best, 0) : Number(codes[start]);
    if (outputs.novelty) item.novelty = outputs.novelty.data[place];
    if (abstain) {
      item.abstained = Math.max(...Object.values(item.probabilities)) < abstain.least_probability || (item.novelty !== undefined && abstain.most_novelty !== null && item.novelty > abstain.most_novelty);
      if (item.abstained) item.prediction = null;
    }
    item.colours = bySteps ? null : coloursOf(outputs, place, one.length, time, item.code, model);
    return item;
  }

  // The evidence for the predicted class, or the attention, of each step.
  function coloursOf(outputs, place, length, time, code, model) {
    if (outputs.evidence) {
      const count = outputs.evidence.dims[1], from = (place * count + (count === 1 ? 0 : code)) * time;
      const sign = count === 1 && model.task === "binary" && code === 0 ? -1 : 1;
      return { name: "evidence", values: Array.from(outputs.evidence.data.slice(from, from + length), (value) => sign * value) };
    }
    return outputs.attention ? { name: "attention", values: Array.from(outputs.attention.data.slice(place * time, place * time + length)) } : null;
  }

  // Means over neighbouring steps, whose weights fall to 0 on both sides.
  function smooth(values, width) {
    if (width <= 1) return values;
    return values.map((_, step) => {
      let sum = 0, mass = 0;
      for (let at = Math.max(0, step - width + 1); at < Math.min(values.length, step + width); at++) {
        const weight = width - Math.abs(at - step);
        sum += weight * values[at];
        mass += weight;
      }
      return sum / mass;
    });
  }

  function stretches(values, resolution) {
    const averaged = smooth(values.map((value) => Number.isFinite(value) ? value : 0), Math.max(1, Math.min(resolution, values.length >> 3)));
    const width = Math.ceil(averaged.length / MOST_STRETCHES), found = [];
    for (let start = 0; start < averaged.length; start += width) {
      const own = averaged.slice(start, start + width);
      found.push(own.reduce((sum, value) => sum + value, 0) / own.length);
    }
    return found;
  }

  // Few points of a long line: the lowest and the highest of each stretch, and a gap if it has one.
  function outline(values) {
    const n = values.length;
    if (n <= MOST_POINTS) return { at: null, values: Array.from(values, (value) => Number.isNaN(value) ? null : value) };
    const kept = new Set([0, n - 1]), width = Math.ceil(n / Math.floor((MOST_POINTS - 2) / 3));
    for (let start = 0; start < n; start += width) {
      let low = -1, high = -1, gap = -1;
      for (let at = start; at < Math.min(n, start + width); at++) {
        if (Number.isNaN(values[at])) { gap = at; continue; }
        if (low < 0 || values[at] < values[low]) low = at;
        if (high < 0 || values[at] > values[high]) high = at;
      }
      for (const at of [low, high, gap]) if (at >= 0) kept.add(at);
    }
    const at = [...kept].sort((a, b) => a - b);
    return { at, values: at.map((place) => Number.isNaN(values[place]) ? null : values[place]) };
  }

  // What the page draws of a series; computed when it is looked at.
  function picture(one, item, resolution) {
    return {
      length: one.length, first: one.shown[0], last: one.shown[one.length - 1],
      get channels() { return one.values.map(outline); },
      get colours() { return item.colours && { name: item.colours.name, values: [stretches(item.colours.values, resolution)] }; },
    };
  }

  return { open, run, predict, picture };
})();
