"use strict";
// Files of the UCR/UEA archive, with one line for each series, as tables with one row for each step.
const archive = (() => {
  const FEWEST_MEASURED = 10, { PLAIN } = lists;
  const toNumber = (cell) => PLAIN.test(cell.trim()) ? Number(cell) : null;
  // Whether a cell holds a number, or a word that the archive or a program writes for a missing value.
  const isValue = (cell, model) => toNumber(cell) !== null || cell.trim() === "?" || model.words.empty.includes(cell.trim().toLowerCase());

  function linesOf(text) {
    return text.split(/\r\n|\r|\n/).map((line, place) => ({ line, number: place + 1 })).filter(({ line }) => line.trim());
  }

  const cellsOf = (line, name) => /\.txt$/i.test(name) ? line.trim().split(/\s*,\s*|\s+/) : line.split("\t");

  // Whether the first line of a file is a class and values, not a header.
  function isUcr(text, name, model) {
    if (!/\.(tsv|txt)$/i.test(name)) return false;
    const [first] = linesOf(text), cells = first ? cellsOf(first.line, name) : [], numbers = cells.slice(1).map(toNumber);
    const countsSteps = !isValue(cells[0] || "", model) && numbers.length > 2 && numbers.every((one, place) => Number.isInteger(one) && (!place || one === numbers[place - 1] + 1));
    return cells.length > 2 && !countsSteps && !/^\s*(#|%|\/\/)/.test(first.line) && cells.slice(1).every((cell) => isValue(cell, model));
  }

  // series: for each line of the file { number, dimensions: the values of each channel }.
  function tableOf(name, series, notes, model) {
    const stem = tables.stemOf(name), width = series[0].dimensions.length, length = ({ dimensions }) => Math.max(...dimensions.map((one) => one.length));
    const rows = series.flatMap((one, place) => Array.from({ length: length(one) }, (_, step) => ({ one, place, step })));
    const columns = new Map([[model.reading.id ?? "series_id", rows.map(({ place }) => `${stem}_${place}`)]]);
    for (let channel = 0; channel < width; channel++) columns.set(`channel_${channel}`, rows.map(({ one, step }) => one.dimensions[channel][step] ?? null));
    return lists.tableOf(name, columns, rows.map(({ one }) => one.number), notes, model);
  }

  function numbersOf(cells, number, name, model) {
    const odd = cells.find((cell) => !isValue(cell, model));
    if (odd !== undefined) tables.fail(`expected a number in line ${number} of '${name}', got '${odd.trim()}'; correct it, or write NaN if the value is unknown`);
    return cells.map(toNumber);
  }

  // The first cells of the lines are classes, not measurements of a table without a header.
  function requireClasses(classes, name) {
    const numbers = classes.filter((word) => PLAIN.test(word)), distinct = new Set(numbers).size, n = classes.length;
    const measured = 2 * distinct > n && !numbers.every((word) => Number.isInteger(Number(word)));
    if (n >= FEWEST_MEASURED && (measured || distinct === n)) tables.fail(`expected the class of a series at the beginning of each line of '${name}', as in the UCR archive, got ${fields.quoted(numbers, 4)}; if the lines are steps, write a line with the names of the columns above them`);
  }

  function readUcr(text, name, model) {
    const rows = linesOf(text).map(({ line, number }) => ({ number, cells: cellsOf(line, name) }));
    requireClasses(rows.map(({ cells }) => cells[0].trim()), name);
    const series = rows.map(({ number, cells }) => {
      const values = numbersOf(cells.slice(1), number, name, model);
      while (values.length && values[values.length - 1] === null) values.pop();
      if (!values.length) tables.fail(`expected at least one value in every series, got none in line ${number} of '${name}'; leave the line out`);
      return { number, dimensions: [values] };
    });
    return tableOf(name, series, [`read each line of '${name}' as a class and a series; the classes were not read`], model);
  }

  // The values of a channel without separators that nothing follows.
  const withoutStray = (values) => values.replace(/[\s,]*,\s*$/, "") || values;

  // The header of a .ts file: words by key, and the lines below it.
  function headOf(text, name) {
    const lines = linesOf(text).filter(({ line }) => !line.trimStart().startsWith("#")), end = lines.findIndex(({ line }) => /^\s*@data\s*$/i.test(line));
    if (end < 0) tables.fail(`expected a line @data before the series in '${name}', got none; the file is incomplete`);
    const words = lines.slice(0, end).map(({ line }) => line.trim().split(/\s+/));
    return [new Map(words.map(([key, ...rest]) => [key.toLowerCase().replace(/s$/, ""), rest])), lines.slice(end + 1)];
  }

  function readUea(text, name, model) {
    const [head, lines] = headOf(text, name), is = (key) => ((head.get(key) || [])[0] || "").toLowerCase() === "true", hasTarget = is("@classlabel") || is("@targetlabel");
    if (is("@timestamp")) tables.fail(`expected values without times in '${name}', got @timeStamps true; predict it with limelight predict or limelight serve`);
    if (!lines.length) tables.fail(`expected at least one series in '${name}', got none; add a line for each series`);
    const series = lines.map(({ line, number }) => {
      const parts = line.trim().split(":"), dimensions = hasTarget ? parts.slice(0, -1) : parts;
      return { number, dimensions: dimensions.map((one) => numbersOf(withoutStray(one).split(","), number, name, model)) };
    });
    const [{ dimensions: { length: width } }] = series, odd = series.find(({ dimensions }) => dimensions.length !== width || !width);
    if (odd) tables.fail(`expected ${width} dimensions in every line of '${name}', separated by ':', got ${odd.dimensions.length} in line ${odd.number}; correct the line, or the header`);
    return tableOf(name, series, hasTarget ? [`the classes in '${name}' were not read`] : [], model);
  }

  // The table of a file of the archive; null for any other file.
  function read(text, name, model) {
    if (/\.ts$/i.test(name)) return readUea(text, name, model);
    return isUcr(text, name, model) ? readUcr(text, name, model) : null;
  }

  return { read };
})();
