"use strict";
// The id and the clock of a long table by the content of its columns, where no name shows them.
const guesses = (() => {
  const ROWS_TO_JUDGE = 20, FEWEST_BLOCKS = 5, EVEN = 0.9;
  const REPETITIONS = ["trial", "trial_no", "repetition", "rep", "session", "run", "take", "attempt", "durchgang", "durchlauf", "wiederholung", "sitzung", "lauf", "essai", "repeticion", "ensayo", "sesion"];

  const kinds = new WeakMap();

  function findKind(table, name) {
    if (table.isNumeric(name)) return "number";
    const words = table.words(name), isDated = (some) => (clock.read(some, [undefined]) || {}).kind === "dates";
    return isDated(words.slice(0, 1)) && isDated(words) && !words.every(clock.isMonth) ? "date" : "word";
  }

  // "number", "date" or "word"; months alone are words, as they may be ids.
  function kindOf(table, name) {
    if (!kinds.has(table)) kinds.set(table, new Map());
    const known = kinds.get(table);
    if (!known.has(name)) known.set(name, findKind(table, name));
    return known.get(name);
  }

  const holdsValues = (table, name) => table.words(name).some((word) => !table.isMissing(word));
  const isWhole = (words) => words.every((word) => /^[+-]?\d+(\.0*)?$/.test(word));

  // The first rows of blocks of equal words, each word in one block only and two rows or more on average; else null.
  function blocksOf(words) {
    const begins = [...words.keys()].filter((row) => !row || words[row] !== words[row - 1]), distinct = new Set(words).size;
    if (begins.length > distinct || words.includes("") || begins.length < 2 || 2 * distinct > words.length) return null;
    return begins;
  }

  // Columns that may be the id, the one with the most blocks first: [name, first rows of its blocks].
  function idCandidates(table, names) {
    const of = (kind) => names.filter((name) => kindOf(table, name) === kind), may = [...of("word"), ...of("number").filter((name) => isWhole(table.words(name)))];
    return may.map((name) => [name, blocksOf(table.words(name))]).filter(([, begins]) => begins).sort((a, b) => b[1].length - a[1].length);
  }

  // The numbers or times of a column, or codes of its words in order of first appearance.
  function courseOf(table, name) {
    const kind = kindOf(table, name);
    if (kind === "number") return table.numbers(name);
    if (kind === "date") return clock.read(table.words(name), [undefined]).times;
    const codes = new Map();
    return table.words(name).map((word) => word ? codes.get(word) ?? codes.set(word, codes.size).get(word) : NaN);
  }

  const rises = (values, rows) => rows.every((row, place) => !place || values[row] > values[rows[place - 1]]);
  const rowsOf = (table) => [...Array(table.rows).keys()];

  function groupsOf(words) {
    const found = new Map();
    words.forEach((word, row) => found.has(word) ? found.get(word).push(row) : found.set(word, [row]));
    return [...found.values()];
  }

  // Whether a column rises within each series, and begins again with another.
  function restarts(table, name, groups) {
    const values = courseOf(table, name);
    return groups.every((rows) => rises(values, rows)) && !rises(values, rowsOf(table));
  }

  // The candidate whose blocks divide those of all others: five blocks or more, or another column begins again in each.
  function certainId(table, candidates) {
    if (!candidates.length) return null;
    const [[best, begins]] = candidates, known = new Set(begins);
    if (!candidates.every(([, others]) => others.every((row) => known.has(row)))) return null;
    if (begins.length >= FEWEST_BLOCKS) return best;
    const groups = groupsOf(table.words(best)), names = candidates.map(([name]) => name);
    return table.names.some((name) => !names.includes(name) && restarts(table, name, groups)) ? best : null;
  }

  // The id of a table in which no name shows it, never a field of the model: { id, why }; null if it is uncertain, or in
  // several columns.
  function findId(table, time, model) {
    const free = table.names.filter((name) => name !== time && !metadata.known(model).includes(name) && !layout.isNamed(name, "label", model) && !name.startsWith("label_"));
    const found = certainId(table, idCandidates(table, free)), times = time === null ? null : courseOf(table, time);
    const fits = found !== null && !free.some((name) => name !== found && REPETITIONS.includes(layout.plainName(name))) && (times === null || groupsOf(table.words(found)).every((rows) => rises(times, rows)));
    if (fits) return { id: found, why: "each of its values fills a block of rows" };
    if (found !== null || time === null) return null;
    const may = free.filter((name) => 2 * new Set(table.words(name)).size <= table.rows && restarts(table, time, groupsOf(table.words(name))));
    return may.length === 1 ? { id: may[0], why: "the times rise within each of its values" } : null;
  }

  // Whether a file is one series: no column may be the id, and its times rise or it has no clock; words may be those of
  // a table whose channels are named.
  function isOneSeries(table, time, namesChannels, model) {
    const free = table.names.filter((name) => name !== time && !layout.isNamed(name, "label", model) && !name.startsWith("label_"));
    const words = table.names.filter((name) => name !== time && kindOf(table, name) !== "number" && holdsValues(table, name));
    if (idCandidates(table, time === null ? table.names : free).length || (words.length && !namesChannels)) return false;
    return time === null || (table.rows > 1 && rises(courseOf(table, time), rowsOf(table)));
  }

  function risesEvenly(values, groups) {
    if (!groups.every((rows) => rises(values, rows))) return false;
    const steps = groups.flatMap((rows) => rows.slice(1).map((row, place) => values[row] - values[rows[place]])).sort((a, b) => a - b);
    const middle = steps.length && (steps[(steps.length - 1) >> 1] + steps[steps.length >> 1]) / 2;
    return steps.length > 0 && steps.filter((step) => Math.abs(step - middle) <= 0.2 * middle).length >= EVEN * steps.length;
  }

  // The clock among columns without a role: dates that rise within each series, or numbers that rise evenly; or null.
  function findClock(table, names, groups, withNumbers) {
    const filled = names.filter((name) => holdsValues(table, name)), isDated = (found) => found !== null && found.kind === "dates" && groups.every((rows) => rises(found.times, rows));
    const dated = filled.find((name) => !table.words(name).every(clock.isMonth) && isDated(clock.read(table.words(name), table.numbers(name))));
    if (dated !== undefined) return dated;
    return withNumbers && table.rows >= ROWS_TO_JUDGE ? filled.find((name) => kindOf(table, name) === "number" && risesEvenly(table.numbers(name), groups)) ?? null : null;
  }

  return { findId, findClock, isOneSeries };
})();
