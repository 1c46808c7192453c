"use strict";
// A table from the bytes of a CSV file: its encoding, its separator, and how its numbers are written.
const tables = (() => {
  const SEPARATORS = [";", "\t", ",", "|"], SAMPLE = 300, MISMATCH = "write the line again";
  const FORMATS = [[".", ""], [",", ""], [",", "."], [".", ","], [",", " "], [".", "'"], [".", " "], [",", "'"]];
  const BLANKS = " \u00a0\u2009\u202f", MARKS = { " ": BLANKS, "'": "'\u2019" };
  const EXPONENT = "([eE][+-]?\\d+)?", SIGN = "[+\\-\u2212]?";
  const NUMBERISH = new RegExp(`^${SIGN}[.,]?\\d[\\d.,'\u2019${BLANKS}]*${EXPONENT}$`);

  // What is wrong with a table, as a sentence for its reader.
  class Unreadable extends Error {}

  function decode(bytes, encoding) {
    if (encoding) return new TextDecoder(encoding).decode(bytes);
    if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder("utf-16le").decode(bytes);
    if (bytes[0] === 0xfe && bytes[1] === 0xff) return new TextDecoder("utf-16be").decode(bytes);
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    } catch {
      return new TextDecoder("windows-1252").decode(bytes);
    }
  }

  // The cells of each line that is neither empty nor a comment; a quoted cell may hold separators and line breaks.
  function records(text, separator, quote, comment, most = Infinity) {
    const found = [], n = text.length;
    let at = 0, line = 1;
    while (at < n && found.length < most) {
      const start = line, cells = [];
      let open = true;
      while (open) {
        let cell = "";
        if (text[at] === quote) {
          for (at++; at < n; at++) {
            if (text[at] !== quote) { if (text[at] === "\n") line++; cell += text[at]; }
            else if (text[at + 1] === quote) cell += text[at++];
            else { at++; break; }
          }
        }
        const from = at;
        while (at < n && text[at] !== separator && text[at] !== "\n" && text[at] !== "\r") at++;
        cells.push(cell + text.slice(from, at));
        open = text[at] === separator;
        if (open) at++;
      }
      if (text[at] === "\r") at++;
      if (text[at] === "\n") at++;
      line++;
      if (cells.length === 1 && !cells[0].trim()) continue;
      if (!comment || !cells[0].trimStart().startsWith(comment)) found.push({ line: start, cells });
    }
    return found;
  }

  function usualWidth(some) {
    const counts = new Map();
    for (const one of some) counts.set(one.cells.length, (counts.get(one.cells.length) || 0) + 1);
    return [...counts].sort((a, b) => b[1] - a[1] || b[0] - a[0])[0];
  }

  function findSeparator(text, quote, comment) {
    let best = null;
    SEPARATORS.forEach((separator) => {
      const some = records(text, separator, quote, comment, SAMPLE);
      if (!some.length) return;
      const [width, count] = usualWidth(some), whole = some[0].cells.length === width ? 1 : 0;
      if (width > 1 && (!best || count + whole > best.score)) best = { separator, score: count + whole };
    });
    return best ? best.separator : ",";
  }

  const escaped = (sign) => sign.replace(/[.\\^$*+?()[\]{}|-]/g, "\\$&");

  function pattern([decimal, thousands]) {
    const point = escaped(decimal);
    const digits = thousands ? `(\\d+|[1-9]\\d{0,2}([${MARKS[thousands] || escaped(thousands)}]\\d{3})+)` : "\\d+";
    return new RegExp(`^${SIGN}(${digits}(${point}\\d*)?|${point}\\d+)${EXPONENT}$`);
  }

  function format(pair) {
    const regex = pattern(pair), [decimal, thousands] = pair;
    const marks = thousands ? new RegExp(`[${MARKS[thousands] || escaped(thousands)}]`, "g") : null;
    return {
      decimal, thousands, matches: (cell) => regex.test(cell),
      // The number of a cell; undefined if the cell is none.
      read(cell) {
        if (!regex.test(cell)) return undefined;
        let plain = cell.replace("\u2212", "-");
        if (marks) plain = plain.replace(marks, "");
        return Number(decimal === "." ? plain : plain.replace(decimal, "."));
      },
    };
  }

  // The format that most numbers of the table have; a column that has another one more often keeps its own.
  function findFormats(columns, separator, { decimal, thousands } = {}) {
    const pairs = FORMATS.filter(([d, t]) => (!decimal || d === decimal) && (thousands == null || t === thousands || (t === "" && thousands === "")));
    const known = (pairs.length ? pairs : [[decimal || ".", thousands || ""]]).map(format);
    const numeric = columns.map((cells) => {
      const found = cells.filter((cell) => NUMBERISH.test(cell));
      return 2 * found.length >= cells.length ? found : [];
    });
    const scores = numeric.map((cells) => known.map((one) => cells.filter(one.matches).length));
    const totals = known.map((_, place) => scores.reduce((sum, score) => sum + score[place], 0));
    const most = Math.max(...totals), best = known.filter((_, place) => totals[place] === most);
    let main = best[0];
    const english = best.find((one) => one.decimal === "." && one.thousands === ",");
    if (main.decimal === "," && !main.thousands && english && (separator === "," || numeric.some(countsInThousands))) main = english;
    const mainPlace = known.indexOf(main);
    return scores.map((score) => {
      const top = Math.max(...score);
      return top > score[mainPlace] ? known[score.indexOf(top)] : main;
    });
  }

  // Whole numbers below 1000 beside numbers with commas, as in a column of counts.
  function countsInThousands(cells) {
    const whole = cells.filter((cell) => /^[+-]?\d+$/.test(cell));
    return whole.length < cells.length && whole.length > 1 && whole.every((cell) => cell.replace(/^[+-]/, "").length <= 3);
  }

  // Whether the first row holds units: no numbers, and a word above a number.
  function holdsUnits(rows, missing) {
    if (rows.length < 2) return false;
    const [first, second] = rows.slice(0, 2).map((cells) => cells.map((cell) => cell.trim()));
    return !first.some((cell) => NUMBERISH.test(cell)) && second.some((cell, place) => NUMBERISH.test(cell) && !missing.has(first[place].toLowerCase()));
  }

  // options: how the training table was written, as in "csv" of an experiment file; missing: words for a missing value.
  function read(bytes, name, options, missing) {
    let text = decode(bytes, options.encoding);
    const stated = /^\ufeff?sep=(.)\r?\n/i.exec(text), quote = options.quote ?? '"', comment = options.comment ?? "#";
    if (stated) text = text.slice(stated[0].length);
    if (options.separator === " ") text = text.split("\n").map((line) => line.trim().replace(/[ \t]+/g, " ")).join("\n");
    const separator = options.separator || (stated ? stated[1] : findSeparator(text, quote, comment));
    const all = records(text, separator, quote, comment);
    if (all.length < (options.names ? 1 : 2)) throw new Unreadable(`expected a header and at least one row in '${name}', got ${all.length ? "a header only" : "an empty file"}; write the table again`);
    const [width] = usualWidth(all.slice(0, SAMPLE)), head = all.findIndex((one) => one.cells.length === width);
    const headless = options.names && options.names.length === width && all[head].cells.some((cell) => NUMBERISH.test(cell.trim()));
    const names = headless ? options.names : all[head].cells.map((cell) => cell.trim()), below = all.slice(headless ? head : head + 1);
    const isHeader = ({ cells }) => cells.length === width && names.every((one, place) => one === cells[place].trim());
    const rows = headless ? below : below.filter((one) => !isHeader(one)), lines = rows.map((one) => one.line);
    const notes = rows.length < below.length ? [`ignored further header lines among the data of '${name}'`] : [];
    const twice = names.find((one, place) => one && names.indexOf(one) < place);
    if (twice) throw new Unreadable(`expected distinct column names in '${name}', got '${twice}' twice; rename one of the columns`);
    for (const { line, cells } of rows) {
      while (cells.length > width && !cells[cells.length - 1].trim()) cells.pop();
      if (cells.length !== width) throw new Unreadable(`expected ${width} cells in line ${line + (stated ? 1 : 0)} of '${name}', got ${cells.length}; ${MISMATCH}`);
    }
    const units = options.units_row ?? holdsUnits(rows.map((one) => one.cells), missing);
    if (units) { rows.shift(); lines.shift(); notes.push(`ignored the units in the second row of '${name}'`); }
    const columns = names.map((_, place) => rows.map((one) => one.cells[place].trim()));
    const isMissing = (cell) => missing.has(cell.toLowerCase());
    const formats = findFormats(columns.map((cells) => cells.slice(0, 5000).filter((cell) => !isMissing(cell))), separator, options);
    const place = (column) => names.indexOf(column);
    return {
      name, names, rows: rows.length, notes,
      has: (column) => place(column) >= 0,
      line: (row) => lines[row] + (stated ? 1 : 0),
      words: (column) => columns[place(column)],
      isMissing,
      // The number in each cell: NaN if missing, undefined if the cell holds anything else.
      numbers(column) {
        const own = formats[place(column)];
        return columns[place(column)].map((cell) => isMissing(cell) ? NaN : own.read(cell));
      },
      isNumeric(column) {
        const own = formats[place(column)], known = columns[place(column)].filter((cell) => !isMissing(cell));
        return 2 * known.filter((cell) => own.matches(cell)).length > known.length || (!known.length && columns[place(column)].every((cell) => !cell));
      },
    };
  }

  return { read, Unreadable };
})();
