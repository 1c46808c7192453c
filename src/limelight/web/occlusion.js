"use strict";
// What mattered to a model without colours of its own: how much the log odds of its answer drop if a stretch is replaced
// by that of another series of the file.
const occlusion = (() => {
  const PARTS = 16, DRAWS = 3, MOST_STEPS = 1_000_000;

  // The log odds of one class or label in a row of logits.
  function logOdds(logits, at, width, code, model) {
    if (model.task === "multilabel") return logits[at * width + code];
    if (width === 1) return code === 0 ? -logits[at] : logits[at];
    const others = Array.from(logits.slice(at * width, (at + 1) * width)).filter((_, place) => place !== code), most = Math.max(...others);
    return logits[at * width + code] - most - Math.log(others.reduce((sum, one) => sum + Math.exp(one - most), 0));
  }

  // Overlapping stretches that cover a series: [from, to].
  function stretchesOf(length) {
    const width = Math.ceil(length / PARTS), step = Math.max(1, width >> 1), found = [];
    for (let from = 0; from < length - width; from += step) found.push([from, from + width]);
    return [...found, [length - width, length]];
  }

  function replaced(one, other, [from, to]) {
    const place = (step) => Math.floor((2 * step + 1) * other.length / (2 * one.length));
    return { ...one, values: one.values.map((values, channel) => values.map((value, step) => step >= from && step < to ? other.values[channel][place(step)] : value)) };
  }

  // Whether a series is measured: not without another one, and not if that would take minutes.
  const isMeasured = (panel, row) => panel.series.length > 1 && 2 * PARTS * DRAWS * panel.series[row].length <= MOST_STEPS;

  // The number of each step, positive for the answer; null if "wanted" no longer holds.
  async function explain(opened, panel, row, item, model, wanted) {
    const one = panel.series[row], several = panel.series.length - 1, draws = Math.min(DRAWS, several);
    const code = item.code, spans = stretchesOf(one.length), together = Math.max(1, Math.floor(model.steps_per_batch / one.length));
    const sums = new Float64Array(one.length), counts = new Float64Array(one.length), variants = [{ span: null }];
    for (let draw = 0; draw < draws; draw++) {
      const other = panel.series[(row + 1 + Math.floor(draw * several / draws)) % panel.series.length];
      for (const span of spans) variants.push({ other, span });
    }
    let original = 0;
    for (let start = 0; start < variants.length; start += together) {
      await new Promise((yes) => setTimeout(yes));
      if (!wanted()) return null;
      const some = variants.slice(start, start + together);
      const { logits } = await classifier.run(opened, some.map(({ other, span }) => span ? replaced(one, other, span) : one), some.map(() => row), panel.encoded, model);
      some.forEach(({ span }, place) => {
        const found = logOdds(logits.data, place, logits.dims[1], code, model);
        if (!span) { original = found; return; }
        for (let step = span[0]; step < span[1]; step++) { sums[step] += original - found; counts[step]++; }
      });
    }
    return Array.from(sums, (sum, step) => sum / counts[step]);
  }

  return { isMeasured, explain };
})();
