"use strict";
// Metadata in the table of the series, or in a table of their own that is joined by id.
const metadata = (() => {

  // The names of the fields that the model reads.
  const known = (model) => model.vocabulary ? model.vocabulary.fields.filter((one) => one.kind !== "ignore").map((one) => one.name) : [];

  // A column of words or of numbers: { words, numbers }; words such as "bad" or "unknown" may be categories.
  function of(table, name, isNumeric, absent) {
    const numbers = table.numbers(name), word = (cell, row) => isNumeric ? (Number.isNaN(numbers[row]) ? "" : String(numbers[row])) : absent.has(cell) ? "" : ids.oneForm(cell);
    return { words: table.words(name).map(word), numbers };
  }

  // A column of a table with rows of steps.
  function inSteps(table, name) {
    const numbers = table.numbers(name);
    return of(table, name, table.isNumeric(name) && numbers.every((one) => one !== undefined) && !numbers.every(Number.isNaN), ids.NO_WORD);
  }

  // A column of a table with a row for each series: numbers if every cell is one, or empty.
  function inRows(table, name, model) {
    const absent = new Set(model.words.nulls), numbers = table.numbers(name);
    return of(table, name, table.words(name).every((cell, row) => absent.has(cell) || Number.isFinite(numbers[row])), absent);
  }

  function ofRows(given, rows) {
    return { words: rows.map((row) => row < 0 ? "" : given.words[row]), numbers: rows.map((row) => row < 0 ? NaN : given.numbers[row]) };
  }

  // The fields in a long table: columns that are constant within each series.
  function inLong(table, groups, model, notes) {
    const found = new Map();
    for (const name of known(model).filter((one) => table.has(one))) {
      const own = inSteps(table, name);
      if (groups.every((rows) => rows.every((row) => own.words[row] === own.words[rows[0]]))) found.set(name, ofRows(own, groups.map((rows) => rows[0])));
      else notes.push(`column '${name}' changes within a series, so that it is not metadata`);
    }
    return found;
  }

  function inWide(table, model) {
    return new Map(known(model).filter((one) => table.has(one)).map((one) => [one, inRows(table, one, model)]));
  }

  // Whether a table describes the series and does not hold them: an id and metadata, but not all channels.
  function isOwnTable(table, holdsSeries, model) {
    return known(model).some((name) => table.has(name)) && !holdsSeries;
  }

  // The fields of all tables of series, one below the other.
  function joined(parts, model) {
    const all = known(model).filter((name) => parts.some((one) => one.fields.has(name)));
    const absent = (one) => ({ words: one.series.map(() => ""), numbers: one.series.map(() => NaN) });
    return new Map(all.map((name) => {
      const own = parts.map((one) => one.fields.get(name) || absent(one));
      return [name, { words: own.flatMap((one) => one.words), numbers: own.flatMap((one) => one.numbers) }];
    }));
  }

  // The column with the ids of the series, by its name or by its content: [name, rows of the series, note].
  function idColumn(table, names, model) {
    const wanted = model.reading.id ?? "series_id", isNamed = (name) => name === wanted || layout.isNamed(name, "id", model);
    const matched = table.names.filter((name) => isNamed(name) || 2 * new Set(table.words(name)).size > table.rows).map((name) => [name, ...ids.match(names, table.words(name).map(ids.oneForm), `'${table.name}'`, isNamed(name))]);
    const count = ([, rows]) => rows.filter((row) => row >= 0).length, order = ([name]) => name === wanted ? 2 : isNamed(name) ? 1 : 0;
    const may = matched.filter((one) => isNamed(one[0]) ? count(one) : 2 * count(one) >= names.length && (!table.isNumeric(one[0]) || (count(one) === names.length && new Set(table.words(one[0])).size === table.rows)));
    return may.sort((a, b) => order(b) - order(a) || count(b) - count(a))[0] || null;
  }

  // Rows for one series must agree in the fields of the model.
  function requireAgreement(table, id, fields) {
    const first = new Map(), words = ids.read(table, id);
    words.forEach((word, row) => {
      if (!first.has(word)) { first.set(word, row); return; }
      const other = fields.find((name) => table.words(name)[row] !== table.words(name)[first.get(word)]);
      if (other !== undefined) tables.fail(`expected each series once in '${table.name}', got '${word}' with ${other} '${table.words(other)[row]}' in line ${table.line(row)}, and with '${table.words(other)[first.get(word)]}' in line ${table.line(first.get(word))}; keep one of the two`);
    });
  }

  // Adds the fields of a table of metadata to the series.
  function join(panel, table, model, notes) {
    const names = panel.series.map((one) => one.id), found = idColumn(table, names, model), quoted = (words) => fields.quoted(words, 3);
    if (!found) tables.fail(`expected a column with the ids of the series in '${table.name}', got ${fields.quoted(table.names, 12)}, none of which holds them; the series are ${quoted(names)}`);
    const [id, rows, note] = found, own = known(model).filter((one) => table.has(one) && one !== id);
    requireAgreement(table, id, own);
    if (id !== (model.reading.id ?? "series_id")) notes.push(`took column '${id}' of '${table.name}' as id`);
    if (note) notes.push(note);
    const lacking = names.filter((_, place) => rows[place] < 0);
    if (lacking.length) notes.push(`'${table.name}' has no row for ${lacking.length} of ${names.length} series: ${fields.quoted(lacking)}`);
    for (const name of own) panel.fields.set(name, ofRows(inRows(table, name, model), rows));
  }

  return { known, inSteps, ofRows, inLong, inWide, isOwnTable, joined, join };
})();
