"use strict";
// Tables with one row for each series and lists in their cells, CSV or JSON lines, as tables with one row for each step.
const lists = (() => {
  const JSON_NAME = /\.(jsonl|ndjson)$/i, SEARCHED = 1 << 16, NUMBER = "[-+]?[\\d.][-+\\d.eE]*";
  const LIST = new RegExp(`\\[\\s*\\[|[[(]\\s*${NUMBER}(?:[,;\\s]+${NUMBER}){2,}\\s*[\\])]`);
  const PLAIN = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/, NOT_A_NUMBER = /([[,:]\s*)-?NaN(?=\s*[,\]}])/g;
  const isList = Array.isArray, quoted = (names) => fields.quoted(names, 12);

  const isJson = (name) => JSON_NAME.test(name), areIn = (text) => LIST.test(text.slice(0, SEARCHED));

  // A table of columns of numbers, words, true, false and null; lines: the line of each row in the file.
  function tableOf(name, columns, lines, notes, model) {
    const missing = new Set(model.words.missing), isMissing = (cell) => missing.has(cell.toLowerCase()), asWord = (cell) => cell === null || cell === undefined ? "" : String(cell);
    const number = (cell) => {
      if (cell === null || cell === undefined) return NaN;
      if (typeof cell !== "string") return Number(cell);
      return isMissing(cell.trim()) ? NaN : PLAIN.test(cell.trim()) ? Number(cell) : undefined;
    };
    const kept = new Map(), words = (column) => kept.get(column) || kept.set(column, columns.get(column).map(asWord)).get(column);
    return {
      name, names: [...columns.keys()], rows: lines.length, notes, isMissing, words,
      has: (column) => columns.has(column),
      line: (row) => lines[row],
      numbers: (column) => columns.get(column).map(number),
      isNumeric: (column) => {
        const known = columns.get(column).map(number).filter((one) => !Number.isNaN(one));
        return 2 * known.filter((one) => one !== undefined).length > known.length || !known.length;
      },
    };
  }

  // The numbers of a list as text, as Python, NumPy and JSON write them; undefined if it is none.
  function parsed(cell) {
    if (cell.startsWith("[[")) {
      try { return JSON.parse(cell.replace(NOT_A_NUMBER, "$1null")); } catch { return undefined; }
    }
    if (!/[\])]$/.test(cell)) return undefined;
    const found = cell.slice(1, -1).split(/[,;\s]+/).filter(Boolean).map((word) => PLAIN.test(word) ? Number(word) : /^[+-]?nan$/i.test(word) ? NaN : undefined);
    return found.includes(undefined) ? undefined : found;
  }

  // The long table of a CSV file; null if no column holds lists.
  function unnested({ name, names, columns, lines, numbers, notes }, model) {
    const cells = new Map(names.map((column, place) => {
      const words = columns[place].map((cell) => numbers.hold[place] ? numbers.formats[place].plain(cell) : cell);
      const found = words.every((word) => /^[[(]/.test(word)) ? words.map(parsed) : [undefined];
      return [column, found.includes(undefined) ? words : found];
    }));
    return [...cells.values()].some((one) => isList(one[0])) ? lengthened(name, cells, lines, notes, model) : null;
  }

  // Objects as one column for each key.
  function flat(object, before = "") {
    return Object.entries(object).flatMap(([key, value]) => value && typeof value === "object" && !isList(value) ? flat(value, `${before}${key}.`) : [[before + key, value]]);
  }

  function parsedLine(line, number, name) {
    let found;
    try { found = JSON.parse(line); } catch {
      try { found = JSON.parse(line.replace(NOT_A_NUMBER, "$1null")); } catch { found = undefined; }
    }
    if (!found || typeof found !== "object" || isList(found)) tables.fail(`expected one JSON object in each line of '${name}', got another content in line ${number}; write it again, such as {"series_id": "a", "x": [1.5, 2.5]}`);
    return new Map(flat(found));
  }

  function ofJson(text, name, model) {
    const written = text.split(/\r\n|\r|\n/).map((line, place) => [line.replace(/^\ufeff/, ""), place + 1]).filter(([line]) => line.trim());
    if (!written.length) tables.fail(`expected one JSON object in each line of '${name}', got an empty file; write it again`);
    const objects = written.map(([line, number]) => parsedLine(line, number, name)), names = [...new Set(objects.flatMap((one) => [...one.keys()]))];
    const columns = new Map(names.map((column) => [column, objects.map((one) => one.has(column) ? one.get(column) : null)])), lines = written.map(([, number]) => number);
    return [...columns.values()].some((one) => one.some(isList)) ? lengthened(name, columns, lines, [], model) : tableOf(name, columns, lines, [], model);
  }

  const isMeasured = (list) => list.every((one) => isList(one) ? isMeasured(one) : one === null || typeof one === "number");

  function requireEqual(columns, measured, steps, lines, name) {
    for (const column of measured) {
      const wrong = columns.get(column).findIndex((one, row) => (one || []).length !== steps[row]);
      if (wrong >= 0) tables.fail(`expected lists of one length in each row of '${name}', got ${steps[wrong]} values in '${measured[0]}' and ${(columns.get(column)[wrong] || []).length} in '${column}' in line ${lines[wrong]}; give every channel the same steps`);
    }
    const empty = steps.indexOf(0);
    if (empty >= 0) tables.fail(`expected at least one value in each row of '${name}', got none in line ${lines[empty]}; leave the row out`);
  }

  // The values of the lists of a column below each other; lists of lists are one channel for each place.
  function valuesOf(column, cells, name) {
    const values = cells.flat(1);
    if (!values.some(isList)) return [[column, values]];
    const width = (values[0] || []).length, wrong = values.find((one) => !isList(one) || one.length !== width || !width || one.some(isList));
    if (wrong !== undefined) tables.fail(`expected lists (time, channels) with the same number of channels at every step in '${column}' of '${name}', got others; give each channel a column, or transpose (channels, time)`);
    return Array.from({ length: width }, (_, channel) => [`${column}_${channel}`, values.map((one) => one[channel])]);
  }

  // Whether the first column without lists names the series: words, or whole numbers without a gap, that occur once.
  function namesSeries(cells) {
    if (new Set(cells).size < cells.length) return false;
    if (cells.every((one) => typeof one === "string")) return true;
    return cells.every(Number.isInteger) && Math.max(...cells) - Math.min(...cells) === cells.length - 1;
  }

  // One row for each step: the values of the lists, and the other cells again and again.
  function lengthened(name, columns, lines, notes, model) {
    const holding = [...columns.keys()].filter((column) => columns.get(column).some(isList));
    const odd = holding.find((column) => columns.get(column).some((one) => one !== null && !isList(one)));
    if (odd !== undefined) tables.fail(`expected a list in every row of column '${odd}' of '${name}', got another cell in line ${lines[columns.get(odd).findIndex((one) => one !== null && !isList(one))]}; write a list in each row`);
    const measured = holding.filter((column) => columns.get(column).every((one) => one === null || isMeasured(one)));
    if (!measured.length) tables.fail(`expected lists of numbers in '${name}', got none in ${quoted(holding)}; add the measurements`);
    const length = (one) => (one || []).length, steps = columns.get(measured[0]).map(length);
    requireEqual(columns, measured, steps, lines, name);
    const others = holding.filter((column) => !measured.includes(column) && columns.get(column).some((one, row) => length(one) !== steps[row]));
    const parents = steps.flatMap((count, row) => Array(count).fill(row)), plain = [...columns.keys()].filter((column) => !holding.includes(column));
    const long = new Map(), kept = holding.filter((column) => !others.includes(column)), id = plain.some((column) => layout.isNamed(column, "id", model)) || (plain.length && !layout.isNamed(plain[0], "label", model) && namesSeries(columns.get(plain[0])));
    if (!id) long.set("series_id", parents);
    if (!kept.some((column) => layout.isNamed(column, "time", model))) long.set("time", steps.flatMap((count) => [...Array(count).keys()]));
    for (const [column, cells] of columns) {
      if (others.includes(column)) continue;
      if (holding.includes(column)) for (const [channel, values] of valuesOf(column, cells, name)) long.set(channel, values);
      else if (!long.has(column)) long.set(column, parents.map((row) => cells[row]));
    }
    const read = [`read each row of '${name}' as a series, with its values in lists: ${quoted(measured)}`, ...(others.length ? [`${quoted(others)} of '${name}' not read: lists of other lengths than those of '${measured[0]}'`] : [])];
    return tableOf(name, long, parents.map((row) => lines[row]), [...notes, ...read], model);
  }

  return { PLAIN, isJson, areIn, ofJson, tableOf, unnested };
})();
