"use strict";
// Cuts recordings into windows, as in training: of so many steps, or of a duration.
const windows = (() => {
  const SECONDS = { ns: 1e-9, us: 1e-6, ms: 1e-3, s: 1, min: 60, h: 3600, d: 86400 };

  function byStep(steps, length, stride, edge) {
    const full = Math.max(0, Math.floor((steps - length) / stride) + 1), found = [];
    const rest = Math.max(0, steps - (full ? full * stride + Math.max(length - stride, 0) : 0));
    for (let place = 0; place < full + (rest > 0 && edge !== "drop" ? 1 : 0); place++) {
      const from = edge === "shift" ? Math.min(place * stride, Math.max(steps - length, 0)) : place * stride;
      found.push([from, Math.min(from + length, steps)]);
    }
    return found;
  }

  function seconds(duration) {
    const [, number, unit] = /^\s*(\d+(?:\.\d+)?|\.\d+)\s*([A-Za-z]+)\s*$/.exec(duration);
    return Number(number) * SECONDS[unit];
  }

  // The first place whose time is not below a border.
  function placeOf(times, border) {
    let low = 0, high = times.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (times[middle] < border) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  function median(numbers) {
    const sorted = Float64Array.from(numbers).sort(), half = sorted.length >> 1;
    return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
  }

  // times: in seconds since the first step. Windows without steps, and those with the steps of the one before, are dropped.
  function byClock(times, length, stride, edge) {
    const n = times.length, step = n > 1 ? median(times.slice(1).map((time, place) => time - times[place])) : 0;
    const slack = 1e-6 * step, duration = times[n - 1] + step, found = [];
    const full = Math.max(Math.floor((duration + slack - length) / stride) + 1, 0);
    const rest = n - placeOf(times, (full ? full * stride + Math.max(length - stride, 0) : 0) - slack);
    const add = (from, to) => {
      const last = found[found.length - 1];
      if (from < to && (!last || from > last[0] || to > last[1])) found.push([from, to]);
    };
    const planned = full + (rest > 0 && edge === "keep" ? 1 : 0);
    for (let place = 0; place < planned;) {
      const border = place * stride - slack, from = placeOf(times, border), to = placeOf(times, border + length);
      add(from, to);
      if (from === n) break;
      place = Math.max(place + 1, Math.floor((times[from] - length) / stride));
    }
    if (rest > 0 && edge === "shift") add(placeOf(times, Math.max(duration - length, 0) - slack), n);
    return found;
  }

  function spansOf(one, rule, unit) {
    const { length, edge = "drop" } = rule, stride = rule.stride ?? length;
    if (typeof length === "number") return byStep(one.length, length, stride, edge);
    if (!one.times) tables.fail("expected series with times to cut windows by duration, as in training, got none; provide a time for every step");
    return byClock(one.times.map((time) => (time - one.times[0]) * unit), seconds(length), seconds(stride), edge);
  }

  // The windows of series, and the series of each.
  function cut(series, rule, unit, clock) {
    const found = [], rows = [];
    series.forEach((one, row) => {
      for (const [from, to] of spansOf(one, rule, clock === "dates" ? 1 : SECONDS[unit || "s"])) {
        const signals = new Map([...one.signals].map(([name, words]) => [name, words.slice(from, to)]));
        found.push({ id: `${one.id}[${from}:${to}]`, recording: one.id, from, length: to - from, values: one.values.map((values) => values.slice(from, to)), times: one.times && one.times.slice(from, to), shown: one.shown.slice(from, to), signals });
        rows.push(row);
      }
    });
    if (!found.length) tables.fail(`expected series no shorter than ${rule.length}${typeof rule.length === "number" ? " steps" : ""}, the length of a window in training, got shorter ones; choose longer series`);
    return [found, rows];
  }

  return { cut };
})();
