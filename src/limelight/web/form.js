"use strict";
// The form of a CSV file: separator, quotes and comments, where its header and its data are, and how numbers are written.
const csvForm = (() => {
  const SEPARATORS = [",", ";", "\t", "|", " "], COMMENTS = ["#", "%", "//"], BLANK_SUFFIX = /\.(txt|dat|data|asc|prn|tab|log)$/i;
  const SAMPLE = 1 << 15, FEWEST_LINES = 30, MOST_ROWS = 300, LONGEST_UNIT = 20, LONGEST_PREAMBLE = 60, TYPED_SHARE = 0.8;
  const FORMATS = [[".", ""], [",", ""], [",", "."], [".", ","], [",", " "], [".", "'"], [".", " "], [",", "'"]];
  const BLANKS = " \u00a0\u2009\u202f", MARKS = { " ": BLANKS, "'": "'\u2019" }, EXPONENT = "([eE][+-]?\\d+)?", SIGN = "[+\\-\u2212]?";
  const NUMBERISH = new RegExp(`^${SIGN}[.,]?\\d[\\d.,'\u2019${BLANKS}]*${EXPONENT}$`);
  const SHEET_ERROR = "#(?:N/A|NV|NA|NULL|DIV/0|VALUE|WERT|REF|BEZUG|NAME|NUM|ZAHL)\\b", STATED = /^\ufeff?"?sep=(.)"?[ \t]*(?:\r\n|\r|\n)/i;
  const DATE = /^(?:\d{1,4}[-./]\d{1,2}[-./]\d{1,4}([T ].*)?|\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?)$/;
  const UNIT = /^(?:[[(<{].*[\])>}]|[-\u2013\u2014]?|[yYmMdDhHsS:./T_ -]+)$/;
  const QUOTED = /(?:^|[,;\t|])\s*'[^']*'\s*(?=[,;\t|]|\s*$)/;
  const escaped = (sign) => sign.replace(/[.\\^$*+?()[\]{}|/-]/g, "\\$&"), trimmed = (cells) => cells.map((cell) => cell.trim());

  function pattern([decimal, thousands]) {
    const point = escaped(decimal);
    const digits = thousands ? `(\\d+|[1-9]\\d{0,2}([${MARKS[thousands] || escaped(thousands)}]\\d{3})+)` : "\\d+";
    return new RegExp(`^${SIGN}(${digits}(${point}\\d*)?|${point}\\d+)${EXPONENT}$`);
  }

  function format(pair) {
    const regex = pattern(pair), [decimal, thousands] = pair;
    const marks = thousands ? new RegExp(`[${MARKS[thousands] || escaped(thousands)}]`, "g") : null;
    // A number with a decimal point and without groups of digits; any other cell unchanged.
    const plain = (cell) => {
      if (!regex.test(cell)) return cell;
      const bare = marks ? cell.replace("\u2212", "-").replace(marks, "") : cell.replace("\u2212", "-");
      return decimal === "." ? bare : bare.replace(decimal, ".");
    };
    return {
      decimal, thousands, plain, isPlain: decimal === "." && !thousands, matches: (cell) => regex.test(cell),
      // The number of a cell; undefined if the cell is none.
      read: (cell) => regex.test(cell) ? Number(plain(cell)) : undefined,
    };
  }

  const KNOWN = FORMATS.map(format);
  const isNumber = (cell) => NUMBERISH.test(cell) && KNOWN.some((one) => one.matches(cell));
  const isTyped = (cell) => isNumber(cell) || DATE.test(cell);

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
    const [main, doubt] = likeliest(best, numeric, separator), mainPlace = known.indexOf(main);
    const formats = scores.map((score) => {
      const top = Math.max(...score);
      return top > score[mainPlace] ? known[score.indexOf(top)] : main;
    });
    return { main, doubt, formats, hold: numeric.map((cells, place) => cells.length > 0 || !columns[place].length) };
  }

  // The simplest of formats that fit equally well, and what was assumed without evidence.
  function likeliest(best, numeric, separator) {
    const english = best.find((one) => one.decimal === "." && one.thousands === ","), [first] = best, cells = numeric.flat();
    if (first.decimal === "," && !first.thousands && english) {
      const example = cells.find((cell) => cell.includes(","));
      if (separator === "," || numeric.some(countsInThousands)) return [english, `took the comma in '${example}' as a sign between thousands, though it may be a decimal sign`];
      return [first, `took the comma in '${example}' as a decimal sign, though it may stand between thousands`];
    }
    const pointed = first.isPlain && separator === ";" ? cells.filter((cell) => cell.includes(".")) : [], groups = format([",", "."]);
    return [first, pointed.length && pointed.every(groups.matches) ? `took the point in '${pointed[0]}' as a decimal sign, though it may stand between thousands` : ""];
  }

  // Whole numbers below 1000 beside numbers with commas, as in a column of counts.
  function countsInThousands(cells) {
    const whole = cells.filter((cell) => /^[+-]?\d+$/.test(cell));
    return whole.length < cells.length && whole.length > 1 && whole.every((cell) => cell.replace(/^[+-]/, "").length <= 3);
  }

  // The cells of each line that is neither empty nor ignored; a quoted cell may hold separators and line breaks.
  function records(text, separator, quote, ignored) {
    if (separator === " ") [text, separator] = [text.split(/\r\n|\r|\n/).map((line) => line.trim().replace(/[ \t]+/g, "\t")).join("\n"), "\t"];
    const found = [], n = text.length, ends = ignored && new RegExp(ignored, "my");
    let at = 0, line = 1;
    while (at < n) {
      if (ends) {
        ends.lastIndex = at;
        if (ends.test(text)) { at = ends.lastIndex; line++; continue; }
      }
      const start = line, cells = [];
      let open = true;
      while (open) {
        let cell = "";
        if (quote && text[at] === quote) {
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
      if (cells.some((one) => one.trim())) found.push({ line: start, cells });
    }
    return found;
  }

  function findQuote(lines) {
    const head = lines.slice(0, MOST_ROWS);
    if (head.some((line) => line.includes('"'))) return '"';
    return 2 * head.filter((line) => QUOTED.test(line)).length > head.length ? "'" : '"';
  }

  // A regular expression of comment lines; words such as #N/A at the begin of a line are data.
  const commentLine = (sign) => `[ \\t]*(?!${SHEET_ERROR})${escaped(sign)}[^\\r\\n]*(?:\\r\\n|\\r|\\n|$(?![\\s\\S]))`;
  const isComment = (line, sign) => new RegExp(`^[ \\t]*(?!${SHEET_ERROR})${escaped(sign)}`).test(line);

  function findComment(lines) {
    const written = lines.filter((line) => line.trim());
    return COMMENTS.find((sign) => {
      const marked = written.map((line) => isComment(line, sign));
      return marked.includes(true) && !marked.slice(1).every(Boolean) && (marked[0] || 2 * marked.filter(Boolean).length < marked.length);
    }) || "";
  }

  // No comments if a line below the first record begins with their sign and has a cell for each column.
  function sureComment(text, lines, form, quote, comment) {
    const first = form.records.length ? form.records[0].line : 0, marked = records(text, form.separator, quote, null).filter(({ line }) => line > first && isComment(lines[line - 1] || "", comment));
    return marked.some(({ cells }) => cells.length === form.width) ? "" : comment;
  }

  // The sign of comments further down, which have other numbers of cells than the table.
  function lateComment(text, form) {
    return COMMENTS.find((sign) => {
      const found = text.match(new RegExp(`[\\r\\n]${escaped(sign)}[^\\r\\n]*`, "g")) || [], own = found.map((line) => line.slice(1)).filter((line) => isComment(line, sign));
      return own.length && own.every((line) => line.split(form.separator).length !== form.width);
    }) || "";
  }

  // A header has as many cells as the table; the last cell of either may be empty.
  const fits = (cells, width) => cells.length === width || cells.length === width - 1 || (cells.length === width + 1 && !cells[cells.length - 1].trim());

  function usualWidth(rows) {
    const counts = new Map();
    for (const { cells } of rows) counts.set(cells.length, (counts.get(cells.length) || 0) + 1);
    return ([...counts].sort((a, b) => b[1] - a[1] || b[0] - a[0])[0] || [0])[0];
  }

  // How a separator fits: the width of the table, the place of its header, and how many records have another width.
  function findForm(sample, separator, quote, ignored, missing) {
    const all = records(sample, separator, quote, ignored), half = all.slice(all.length >> 1).slice(-MOST_ROWS), width = usualWidth(half);
    const rows = half.filter(({ cells }) => cells.length === width).map(({ cells }) => trimmed(cells)), isMissing = (cell) => missing.has(cell.toLowerCase());
    const typed = Array.from({ length: width }, (_, column) => column).filter((column) => {
      const cells = rows.map((row) => row[column]).filter((cell) => !isMissing(cell));
      return cells.length && cells.filter(isTyped).length >= TYPED_SHARE * cells.length;
    });
    const form = { separator, records: all, width, typed, isMissing, header: 0, units: false }, first = all.length ? all[0].cells : [];
    const misfits = (header, usual) => header + all.slice(header + 1).filter(({ cells }) => cells.length !== usual).length;
    const trailing = first.length === width - 1 && rows.every((row) => !row[width - 1]), [header, units] = findHeader(form);
    if (!fits(first, width) && header === 0 || (first.length === width - 1 && !trailing)) return { ...form, width: first.length, misfits: misfits(0, first.length) };
    return { ...form, header, units, misfits: misfits(header, width) };
  }

  function isData(form, place) {
    const one = form.records[place];
    if (!form.typed.length || !one || one.cells.length < form.width) return false;
    const cells = form.typed.filter((column) => column < one.cells.length).map((column) => one.cells[column].trim());
    return 2 * cells.filter((cell) => isTyped(cell) || form.isMissing(cell)).length >= cells.length && cells.some(isTyped);
  }

  function isHeader(form, place) {
    const cells = trimmed(form.records[place].cells);
    return fits(cells, form.width) && form.typed.every((column) => column < cells.length && !form.isMissing(cells[column]) && !isTyped(cells[column]));
  }

  // Short words above numbers, at least one, and nothing else above words.
  function isUnits(form, place) {
    if (!form.typed.length || !form.records[place]) return false;
    const cells = trimmed(form.records[place].cells), above = form.typed.filter((column) => column < cells.length).map((column) => cells[column]);
    if (!fits(cells, form.width) || above.every(form.isMissing)) return false;
    return cells.every((cell, column) => form.typed.includes(column) ? !isTyped(cell) && cell.length <= LONGEST_UNIT : UNIT.test(cell));
  }

  // The place of the header, and whether a row of units follows.
  function findHeader(form) {
    const all = form.records, places = [...all.slice(0, LONGEST_PREAMBLE).keys()];
    for (const place of form.typed.length ? places : []) {
      if (!isHeader(form, place)) continue;
      const units = isUnits(form, place + 1) && isData(form, place + 2);
      if (!units && !isData(form, place + 1)) continue;
      const apart = place > 1 || place === 0 || all[0].line + 1 < all[1].line || !fits(all[0].cells, form.width);
      return apart ? [place, units] : [0, false];
    }
    const place = places.find((one) => all[one].cells.length === form.width);
    if (place === undefined) return [0, false];
    const cells = trimmed(all[place].cells), numbers = cells.filter((cell) => /^\d+$/.test(cell)).map(Number);
    const areSteps = numbers.length > 2 && numbers.every((number, at) => !at || number === numbers[at - 1] + 1);
    return [(areSteps || !cells.some(isNumber)) && all.slice(0, place).every((one) => one.cells.length < Math.min(form.width, 3)) ? place : 0, false];
  }

  // The separator with the fewest misfits; blanks only where nothing else fits, or in text files.
  function chooseForm(sample, chosen, name, quote, ignored, missing) {
    if (chosen) return findForm(sample, chosen, quote, ignored, missing);
    const forms = SEPARATORS.map((one) => findForm(sample, one, quote, ignored, missing)), fitting = forms.filter((one) => one.width > 1 && 4 * one.misfits < 3 * one.records.length);
    const strong = fitting.filter((one) => one.separator !== " "), kept = !BLANK_SUFFIX.test(name) && strong.length ? strong : fitting;
    const sure = kept.filter((one) => one.separator !== " " || (!one.misfits && one.typed.length && !sample.includes(quote)));
    const cost = (one, other) => one.misfits - other.misfits || other.typed.length - one.typed.length || other.width - one.width;
    return sure.sort(cost)[0] || forms[0];
  }

  // A header in the comment lines above the data: the last that has a name for every column.
  function commentedHead(lines, form, comment, quote) {
    const texts = lines.slice(0, form.records[0].line - 1).filter((line) => isComment(line, comment)).map((line) => line.trim().replace(new RegExp(`^(${escaped(comment)}|\\s)+|\\s+$`, "g"), ""));
    const rows = texts.map((text) => trimmed((records(text, form.separator, quote, null)[0] || { cells: [] }).cells));
    const named = (row) => row && row.length === form.width && row.every((cell) => !form.isMissing(cell) && !isTyped(cell)), last = rows.findLastIndex(named);
    if (last < 0) return null;
    const above = named(rows[last - 1]) && rows[last].every((cell) => UNIT.test(cell));
    return { names: above ? rows[last - 1] : rows[last], first: 0, preamble: 0, units: above };
  }

  function findHead(lines, form, comment, quote, options) {
    if (options.names && isData(form, 0)) return { names: options.names, first: 0, preamble: 0, units: false };
    const commented = comment && isData(form, 0) ? commentedHead(lines, form, comment, quote) : null;
    if (commented) return commented;
    const units = options.units_row ?? form.units;
    return { names: trimmed(form.records[form.header].cells), first: form.header + 1 + (units ? 1 : 0), preamble: form.header, units };
  }

  // Whether a header is a record of data: numbers above numbers, beside a word that occurs again, or none that rise.
  function isRecord(header, rows, form) {
    const typed = form.typed.filter((column) => header[column]).map((column) => header[column]);
    if (!typed.length || !typed.every(isTyped)) return false;
    const words = [...header.keys()].filter((column) => header[column] && !form.typed.includes(column)), numbers = typed.map((cell) => Number(cell.replace(",", ".")));
    if (words.some((column) => rows.some(({ cells }) => (cells[column] || "").trim() === header[column]))) return true;
    const values = numbers.some(Number.isNaN) ? typed : numbers, counts = typed.every((cell, place) => cell === String(place));
    return !words.length && rows.length > 0 && !counts && !(typed.length > 2 && values.every((one, place) => !place || one > values[place - 1]));
  }

  // The names of the columns; null for one without a name and values, which is dropped.
  function namesOf(header, rows, width) {
    const names = header.length === width - 1 ? [...header, ""] : header.length === width + 1 ? header.slice(0, -1) : [...header];
    return names.map((name, place) => name || (rows.some(({ cells }) => (cells[place] || "").trim()) ? (place ? `column_${place + 1}` : "") : null));
  }

  const sampleOf = (text) => {
    let end = SAMPLE;
    for (; end < text.length && (text.slice(0, end).match(/\r\n|\r|\n/g) || []).length < FEWEST_LINES;) end *= 2;
    return end < text.length ? text.slice(0, Math.max(text.lastIndexOf("\n", end), text.lastIndexOf("\r", end)) + 1 || end) : text;
  };

  // The separator that the first line states, as spreadsheets write it, and the text with an empty line in its place.
  function stated(text) {
    const line = STATED.exec(text);
    return line ? [line[1], text.replace(STATED, "\n")] : [null, text];
  }

  // How a file is written; null if it has no records. stated: the separator, if it is known; late: whether comments are
  // looked for in the whole file, as lines do not fit.
  function find(text, name, stated, options, missing, late = false) {
    const sample = sampleOf(text), lines = sample.split(/\r\n|\r|\n/), quote = options.quote ?? findQuote(lines);
    const ignore = (sign) => sign ? `^${commentLine(sign)}` : null, choose = (sign) => chooseForm(sample, stated, name, quote, ignore(sign), missing);
    let comment = options.comment ?? findComment(lines), form = choose(comment);
    const sure = options.comment != null ? comment : comment ? sureComment(sample, lines, form, quote, comment) : late ? lateComment(text, form) : "";
    if (sure !== comment) { comment = sure; form = choose(comment); }
    return form.records.length ? { form, quote, comment, ignored: ignore(comment), head: findHead(lines, form, comment, quote, options) } : null;
  }

  return { find, findFormats, isRecord, namesOf, records, stated };
})();
