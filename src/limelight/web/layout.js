"use strict";
// What the names of the columns say: which are steps of a wide table, and whether a row is a series or a step.
const layout = (() => {
  const STEP = /^(.*?)(?:\[(\d+)\]|[_.\- ]?(\d+))$/, PURE = /^(\d+)(?:\.0+)?$/;
  const DATE_NAME = /^\d{1,4}[-./:]\d{1,2}([-./:T ].*)?$/, DECIMAL_NAME = /^\d+\.\d+$/, NUMBER_NAME = /^(-?\d+(?:[.,]\d+)?)\s*([A-Za-zµ]{0,4})$/;
  const FEWEST_COLUMNS = 5, MOST_CHANNELS = 128, ROWS_OF_SAMPLE = 200, FEWEST_ROWS = 3, MOST_UNEVEN = 1e-3;

  // A column name in lower case, without accents and units, with underscores.
  function plainName(name) {
    const bare = name.trim().replace(/\s*[[(][^\d)\]][^)\]]*[\])]$/, "") || name.trim();
    const words = bare.replace(/([a-z])(?=[A-Z])/g, "$1_").replace(/[ßẞ]/g, "ss").normalize("NFKD").replace(/\p{M}/gu, "");
    return words.toLowerCase().replace(/[\s\-./]+/g, "_");
  }

  function isNamed(name, role, model) {
    return plainName(name) === (role === "id" ? "series_id" : role) || model.words.likely[role].includes(plainName(name));
  }

  function parseStep(name) {
    const pure = PURE.exec(name.trim());
    if (pure) return ["channel_0", Number(pure[1])];
    const step = STEP.exec(name.trim());
    return step ? [step[1] || "channel_0", Number(step[2] ?? step[3])] : null;
  }

  const isStepLabel = (name) => name.startsWith("label_") || (parseStep(name) || [])[0] === "label";

  // The columns of each channel that are steps, by their number.
  function stepColumns(names) {
    const found = new Map();
    for (const name of names) {
      const parsed = isStepLabel(name) ? null : parseStep(name);
      if (!parsed) continue;
      if (!found.has(parsed[0])) found.set(parsed[0], new Map());
      if (!found.get(parsed[0]).has(parsed[1])) found.get(parsed[0]).set(parsed[1], name);
    }
    return found;
  }

  // Two columns for one step of a channel; null if there are none.
  function repeatedStep(names, steps) {
    for (const name of names.filter((one) => !isStepLabel(one) && parseStep(one))) {
      const [channel, number] = parseStep(name), first = steps.get(channel).get(number);
      if (first !== name) return [first, name];
    }
    return null;
  }

  function isConsecutive(numbers) {
    const sorted = [...numbers].sort((a, b) => a - b), n = sorted.length;
    return n >= 3 && sorted[n - 1] - sorted[0] === n - 1;
  }

  function dated(names) {
    const found = names.filter((name) => clock.isForm(name.trim()) || (DATE_NAME.test(name.trim()) && !DECIMAL_NAME.test(name.trim())));
    const read = found.length ? clock.read(found.map((name) => name.trim()), found.map(() => undefined)) : null;
    return read && { names: found, ...read };
  }

  // The columns named by months without a year, with their numbers.
  function namedByMonth(names) {
    const found = names.filter((name) => clock.monthOf(name.trim()));
    return { names: found, kind: "numbers", times: found.map((name) => clock.monthOf(name.trim())) };
  }

  // The columns named by numbers with the most frequent unit; none if the numbers count the steps or are uneven.
  function numbered(names) {
    const units = new Map();
    for (const name of names) {
      const parts = NUMBER_NAME.exec(name.trim());
      if (!parts) continue;
      if (!units.has(parts[2])) units.set(parts[2], []);
      units.get(parts[2]).push([name, Number(parts[1].replace(",", "."))]);
    }
    const [unit, found] = [...units].reduce((best, one) => one[1].length > best[1].length ? one : best, ["", []]);
    const times = found.map(([, time]) => time);
    if (!unit && times.every(Number.isInteger)) {
      const sorted = [...times].sort((a, b) => a - b), steps = sorted.slice(1).map((time, place) => time - sorted[place]);
      if (isConsecutive(times) || !steps.length || steps.some((step) => step !== steps[0])) return null;
    }
    return { names: found.map(([name]) => name), kind: "numbers", times: Float64Array.from(times) };
  }

  // Columns named by times, which are the steps of one channel, in their order: { names, kind, times }, or null.
  function timedColumns(names) {
    for (const found of [dated(names), namedByMonth(names), numbered(names)]) {
      if (!found || found.names.length < Math.max(FEWEST_COLUMNS, names.length / 2)) continue;
      const order = found.names.map((_, place) => place).sort((a, b) => found.times[a] - found.times[b]);
      const times = Float64Array.from(order, (place) => found.times[place]);
      if (times.every((time, place) => !place || time > times[place - 1])) return { names: order.map((place) => found.names[place]), kind: found.kind, times };
    }
    return null;
  }

  // Whether a table has one row a series, by the names of its columns.
  function looksWide(table, id, time, model) {
    const plain = table.names.map(plainName), any = (words) => plain.some((name) => words.includes(name));
    const hasId = table.has(id) || any(["series_id", ...model.words.likely.id]), names = table.names.filter((name) => name !== id);
    if (hasId && (table.has(time) || any(model.words.clocks))) return false;
    if (timedColumns(names)) return true;
    const steps = stepColumns(names), called = new Set([...steps.values()].flatMap((own) => [...own.values()]).map((name) => plainName(name).replace(/\d+$/, "").replace(/_+$/, "")));
    const count = [...steps.values()].reduce((sum, own) => sum + own.size, 0);
    if (count && count <= MOST_CHANNELS && [...called].every((word) => model.words.channels.includes(word))) return false;
    const runs = new Map();
    for (const own of steps.values()) {
      const key = String([...own.keys()].sort((a, b) => a - b));
      if (isConsecutive(own.keys())) runs.set(key, (runs.get(key) || 0) + own.size);
    }
    const most = Math.max(0, ...runs.values());
    return most >= FEWEST_COLUMNS && 2 * most >= table.names.length;
  }

  // Whether times rise by equal steps, apart from where they start again.
  function risesEvenly(table, name) {
    const found = clock.read(table.words(name).slice(0, ROWS_OF_SAMPLE), table.numbers(name).slice(0, ROWS_OF_SAMPLE));
    if (!found || found.times.length < FEWEST_ROWS) return false;
    const steps = [...found.times.subarray(1)].map((time, place) => time - found.times[place]), rising = steps.filter((step) => step > 0).sort((a, b) => a - b);
    if (2 * rising.length < steps.length || steps.includes(0)) return false;
    const middle = (rising[(rising.length - 1) >> 1] + rising[rising.length >> 1]) / 2, largest = Math.max(...found.times.map(Math.abs));
    return rising[rising.length - 1] - rising[0] <= MOST_UNEVEN * middle + 1e-9 * largest;
  }

  // Whether the rows are steps although the columns are numbered: ids repeat, or a clock rises evenly.
  function rowsAreSteps(table, id, time, model) {
    const rows = Math.min(table.rows, ROWS_OF_SAMPLE), distinct = (name) => new Set(table.words(name).slice(0, rows).filter((word) => word)).size;
    if (table.names.some((name) => (name === id || (id === "series_id" && isNamed(name, "id", model))) && 2 * distinct(name) <= rows)) return true;
    const clocks = table.names.filter((name) => name === time || (time === "time" && model.words.clocks.includes(plainName(name))));
    return table.names.length <= MOST_CHANNELS && clocks.some((name) => risesEvenly(table, name));
  }

  // Whether each row of a table is a series, as training decides; channels: their names, null if they are numbered.
  function isWide(table, model, channels) {
    const { reading } = model, given = reading.layout || "auto";
    if (given !== "auto") return given === "wide";
    const id = reading.id ?? "series_id", time = reading.time === undefined ? "time" : reading.time;
    if (!looksWide(table, id, time, model) || (channels && channels.every((name) => table.has(name)))) return false;
    return !rowsAreSteps(table, id, time, model);
  }

  return { isNamed, isStepLabel, isWide, plainName, repeatedStep, stepColumns, timedColumns };
})();
