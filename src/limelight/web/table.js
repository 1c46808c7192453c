"use strict";
// A table from the bytes of a text file: its encoding, its rows and columns, and what was assumed about its form.
const tables = (() => {
  const MOST_JUDGED = 5000, MOST_ZEROS = 0.3, SIGNS = { "\t": "tabs", " ": "blanks" };

  // What is wrong with a table, as a sentence for its reader.
  class Unreadable extends Error {}
  const fail = (sentence) => { throw new Unreadable(sentence); }, stemOf = (name) => name.replace(/\.[^.]*$/, "");

  function decodeUtf32(bytes, isLittle) {
    const view = new DataView(bytes.buffer, bytes.byteOffset), codes = Array.from({ length: bytes.length >> 2 }, (_, place) => view.getUint32(4 * place, isLittle));
    return codes.map((code) => code <= 0x10ffff ? String.fromCodePoint(code) : "\ufffd").join("").replace(/^\ufeff/, "");
  }

  // The text of a file and the name of its encoding; text that is not Unicode is that of Windows.
  function decode(bytes, encoding) {
    const zeros = (odd) => bytes.subarray(0, 1 << 15).filter((one, place) => place % 2 === odd && !one).length > MOST_ZEROS * (Math.min(bytes.length, 1 << 15) >> 1);
    const as = (name) => [new TextDecoder(name).decode(bytes), name], [a, b, c, d] = bytes;
    if (encoding) return as(encoding);
    if (a === 0xff && b === 0xfe && c === 0 && d === 0) return [decodeUtf32(bytes, true), "utf-32"];
    if (a === 0 && b === 0 && c === 0xfe && d === 0xff) return [decodeUtf32(bytes, false), "utf-32"];
    if ((a === 0xff && b === 0xfe) || zeros(1)) return as("utf-16le");
    if ((a === 0xfe && b === 0xff) || zeros(0)) return as("utf-16be");
    try {
      return [new TextDecoder("utf-8", { fatal: true }).decode(bytes), "utf-8"];
    } catch {
      return as("windows-1252");
    }
  }

  const listed = (parts) => parts.length > 1 ? `${parts.slice(0, -1).join(", ")} and ${parts[parts.length - 1]}` : parts[0];

  // How a file differs from plain CSV, as a note; "" if it does not.
  function describe(name, encoding, { form, quote, comment, head }, numbers, repeated) {
    const used = numbers.formats.find((one, place) => numbers.hold[place] && !one.isPlain), number = numbers.main.isPlain && used ? used : numbers.main;
    const parts = [
      form.separator !== "," && `separator ${SIGNS[form.separator] || `'${form.separator}'`}`, number.decimal !== "." && `decimal '${number.decimal}'`, number.thousands && `thousands '${number.thousands}'`,
      encoding !== "utf-8" && `encoding ${encoding}`, quote && quote !== '"' && `quote '${quote}'`, comment && `comment lines '${comment}'`,
      head.preamble && `the header below ${head.preamble === 1 ? "1 line" : `${head.preamble} lines`} of other text`, head.units && "a row of units below the header", repeated && "further header lines among the data ignored",
    ].filter(Boolean);
    return parts.length || numbers.doubt ? `read '${name}'${parts.length ? ` with ${listed(parts)}` : ""}${numbers.doubt ? ` and ${numbers.doubt}` : ""}` : "";
  }

  // The records of a file below its header, and the names of its columns.
  function rowsOf(given, name, options, missing, late = false) {
    const [separator, text] = csvForm.stated(given), found = csvForm.find(text, name, options.separator || separator, options, missing, late), all = found ? csvForm.records(text, found.form.separator, found.quote, found.ignored) : [];
    if (!found || all.length <= found.head.first) fail(`expected a header and at least one row in '${name}', got ${all.length ? "a header only" : "an empty file"}; write the table again`);
    const { head, form } = found, below = all.slice(head.first);
    if (!late && !found.comment && below.some(({ cells }) => cells.length < form.width - 1)) return rowsOf(given, name, options, missing, true);
    if (options.names && head.names === options.names && head.names.length !== form.width) fail(`expected ${options.names.length} columns in '${name}', which has no header, as in training, got ${form.width}; write the table as in training`);
    const isTitle = ({ cells }) => form.width > 1 && cells.length === head.names.length && head.names.every((one, place) => one === cells[place].trim());
    const rows = below.filter((one) => !isTitle(one));
    if (head.names !== options.names && csvForm.isRecord(head.names, rows, form)) fail(`expected the names of the columns in the first line of '${name}', got data: ${head.names.slice(0, 4).map((one) => `'${one}'`).join(", ")}; write a line of names above them, such as series_id,time,value`);
    return { found, rows, names: csvForm.namesOf(head.names, rows, form.width), repeated: rows.length < below.length };
  }

  function requireForm(names, rows, name) {
    const kept = names.filter((one) => one !== null), twice = kept.find((one, place) => kept.indexOf(one) < place);
    if (twice !== undefined) fail(`expected distinct column names in '${name}', got '${twice}' twice; rename one of the columns`);
    for (const { line, cells } of rows) {
      while (cells.length > names.length && !cells[cells.length - 1].trim()) cells.pop();
      if (cells.length !== names.length) fail(`expected ${names.length} cells in line ${line} of '${name}', got ${cells.length}; ${cells.length < names.length ? "complete the line, or remove it if it is no row of the table" : "put text that contains the separator in double quotes"}`);
    }
  }

  // The names and the cells of a CSV file, the line of each row, and how its numbers are written.
  function readCsv(text, encoding, name, options, missing) {
    const { found, rows, names: all, repeated } = rowsOf(text, name, options, missing);
    requireForm(all, rows, name);
    const kept = [...all.keys()].filter((place) => all[place] !== null), columns = kept.map((place) => rows.map((one) => one.cells[place].trim()));
    const numbers = csvForm.findFormats(columns.map((cells) => cells.slice(0, MOST_JUDGED).filter((cell) => !missing.has(cell.toLowerCase()))), found.form.separator, options);
    const note = describe(name, encoding, found, numbers, repeated);
    return { name, names: kept.map((place) => all[place]), columns, lines: rows.map((one) => one.line), numbers, notes: note ? [note] : [] };
  }

  // A table of text cells, with numbers in the format of their column.
  function ofCells({ name, names, columns, lines, numbers, notes }, missing) {
    const place = (column) => names.indexOf(column), plain = new Map(), isMissing = (cell) => missing.has(cell.toLowerCase());
    return {
      name, names, rows: lines.length, notes,
      has: (column) => place(column) >= 0,
      line: (row) => lines[row],
      // The cells of a column, numbers with a decimal point.
      words(column) {
        const at = place(column);
        if (!plain.has(column)) plain.set(column, numbers.hold[at] && !numbers.formats[at].isPlain ? columns[at].map(numbers.formats[at].plain) : columns[at]);
        return plain.get(column);
      },
      isMissing,
      // The number in each cell: NaN if missing, undefined if the cell holds anything else.
      numbers(column) {
        const own = numbers.formats[place(column)];
        return columns[place(column)].map((cell) => isMissing(cell) ? NaN : own.read(cell));
      },
      isNumeric(column) {
        const own = numbers.formats[place(column)], known = columns[place(column)].filter((cell) => !isMissing(cell));
        return 2 * known.filter((cell) => own.matches(cell)).length > known.length || (!known.length && columns[place(column)].every((cell) => !cell));
      },
    };
  }

  // The table in the bytes of a file of text; "csv" of the reading of the model is how the training table was written.
  function read(bytes, name, model) {
    const options = model.reading.csv || {}, missing = new Set(model.words.missing), [text, encoding] = decode(bytes, options.encoding);
    if (lists.isJson(name)) return lists.ofJson(text, name, model);
    const series = archive.read(text, name, model);
    if (series) return series;
    const given = readCsv(text, encoding, name, options, missing);
    return lists.areIn(text) ? lists.unnested(given, model) || ofCells(given, missing) : ofCells(given, missing);
  }

  return { read, fail, stemOf, Unreadable };
})();
