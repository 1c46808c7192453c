"use strict";
// Series from tables, with the columns of the training: one row a step, or one row a series.
const reader = (() => {
  const STEP = /^(.*?)(?:\[(\d+)\]|[_.\- ]?(\d+))$/, PURE = /^(\d+)(?:\.0+)?$/, ROW_NUMBERS = /^(|unnamed:? ?\d+(_level_\d+)?|index|level_\d+|__index_level_\d+__|row(_?(number|nr|no|id))?|rownum)$/;
  const fail = (sentence) => { throw new tables.Unreadable(sentence); };
  const quoted = (names) => fields.quoted(names, 12);

  // A column name in lower case, without accents and units, with underscores.
  function plainName(name) {
    const bare = name.trim().replace(/\s*[[(][^\d)\]][^)\]]*[\])]$/, "") || name.trim();
    const words = bare.replace(/([a-z])(?=[A-Z])/g, "$1_").replace(/[ßẞ]/g, "ss").normalize("NFKD").replace(/\p{M}/gu, "");
    return words.toLowerCase().replace(/[\s\-./]+/g, "_");
  }

  // A word without blanks around it, and without the decimal point of a whole number.
  function oneForm(word) {
    const plain = word.normalize("NFC").replace(/[ \t\u00a0\u2000-\u200a\u202f\u205f\u3000]+/g, " ").trim();
    const whole = /^([+-]?\d+)\.0*$/.exec(plain);
    return whole ? whole[1] : plain;
  }

  function isNamed(name, role, model) {
    return plainName(name) === (role === "id" ? "series_id" : role) || model.words.likely[role].includes(plainName(name));
  }

  // The column with a role by its name or, for the default name, by another common name; null if there is none.
  function byName(table, role, column, model, notes) {
    if (table.has(column)) return column;
    if (column !== (role === "id" ? "series_id" : role)) fail(`expected a column '${column}' for ${role} in '${table.name}', got ${quoted(table.names)}; rename the column as in training`);
    let found = table.names.filter((name) => isNamed(name, role, model));
    if (role === "id" && table.rows >= 8) found = found.filter((name) => new Set(table.words(name)).size < table.rows);
    if (found.length > 1) fail(`expected one ${role} column in '${table.name}', got ${quoted(found)}; rename it ${role === "id" ? "series_id" : role}`);
    if (found.length) notes.push(`took column '${found[0]}' as ${role}`);
    return found.length ? found[0] : null;
  }

  function parseStep(name) {
    const pure = PURE.exec(name.trim());
    if (pure) return ["channel_0", Number(pure[1])];
    const step = STEP.exec(name.trim());
    return step ? [step[1] || "channel_0", Number(step[2] ?? step[3])] : null;
  }

  const isStepLabel = (name) => name.startsWith("label_") || (parseStep(name) || [])[0] === "label";

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

  // Whether a table has one row a series, by the names of its columns: numbered steps, and no id beside a clock.
  function looksWide(table, id, time, model) {
    const plain = table.names.map(plainName), any = (words) => plain.some((name) => words.includes(name));
    const hasId = table.has(id) || any(["series_id", ...model.words.likely.id]);
    if (hasId && (table.has(time) || any(model.words.clocks))) return false;
    const runs = new Map();
    for (const steps of stepColumns(table.names.filter((name) => name !== id)).values()) {
      const numbers = [...steps.keys()].sort((a, b) => a - b), n = numbers.length;
      if (n >= 3 && numbers[n - 1] - numbers[0] === n - 1) runs.set(String(numbers), [(runs.get(String(numbers)) || [0])[0] + n]);
    }
    const most = Math.max(0, ...[...runs.values()].map(([count]) => count));
    return most >= 5 && 2 * most >= table.names.length;
  }

  // The numbers of a column of measurements; a word is an error, as are missing values if the model accepts none.
  function measured(table, column, model, seriesAt, requireAll) {
    const values = table.numbers(column), absent = model.reading.missing_values || [];
    const odd = values.findIndex((value) => value === undefined || Math.abs(value) > 3.4028234663852886e38);
    if (odd >= 0) fail(`expected a number in column '${column}', got '${table.words(column)[odd]}' in line ${table.line(odd)} of '${table.name}' (series '${seriesAt(odd)}'); correct it, or leave the cell empty if the value is unknown`);
    const found = absent.length ? values.map((value) => absent.includes(value) ? NaN : value) : values;
    const gap = requireAll && !model.accepts_missing ? found.findIndex(Number.isNaN) : -1;
    if (gap >= 0) fail(`expected a number everywhere, as in training, got an empty cell in column '${column}' in line ${table.line(gap)} of '${table.name}' (series '${seriesAt(gap)}'); fill it in, or leave the series out`);
    return found;
  }

  const isNumbered = (names) => names.every((name, place) => name === `channel_${place}`);

  // Words of a column of metadata as training reads them: numbers in one form.
  function plainWords(table, column) {
    const written = table.words(column), numbers = table.numbers(column);
    const numeric = numbers.every((value) => value !== undefined), words = written.map((cell, row) => table.isMissing(cell) ? "" : numeric ? String(numbers[row]) : oneForm(cell));
    return { words, numbers };
  }

  function ofRows(column, rows) {
    return { words: rows.map((row) => row < 0 ? "" : column.words[row]), numbers: rows.map((row) => row < 0 ? NaN : column.numbers[row]) };
  }

  const knownFields = (model) => model.vocabulary ? model.vocabulary.fields.filter((one) => one.kind !== "ignore").map((one) => one.name) : [];

  function longChannels(table, taken, groups, model) {
    if (!isNumbered(model.channels)) return model.channels;
    const free = table.names.filter((name) => !taken.includes(name) && !isNamed(name, "label", model) && !name.startsWith("label_") && !ROW_NUMBERS.test(name.toLowerCase()) && table.isNumeric(name));
    if (free.length === model.channels.length) return free;
    const varies = (name) => { const words = table.words(name); return groups.some((rows) => rows.some((row) => words[row] !== words[rows[0]])); };
    const changing = free.filter(varies);
    if (changing.length !== model.channels.length) fail(`expected ${model.channels.length} columns of measurements as in training in '${table.name}', got ${free.length} (${quoted(free) || "none"}); leave the other columns out`);
    return changing;
  }

  function requireChannels(names, table, model) {
    const lacking = model.channels.filter((name) => !names.includes(name));
    if (lacking.length) fail(`expected the channels in training (${quoted(model.channels)}), got ${quoted(names)} in '${table.name}', which lacks ${quoted(lacking)}; rename the columns as in training`);
  }

  // Rows of each series in order of first appearance; a file without an id is one series.
  function grouped(table, id) {
    if (id === null) return new Map([[table.name.replace(/\.[^.]*$/, ""), Array.from({ length: table.rows }, (_, row) => row)]]);
    const found = new Map();
    table.words(id).forEach((word, row) => {
      const name = oneForm(word);
      if (!name) fail(`expected no empty cell in column '${id}', got one in line ${table.line(row)} of '${table.name}'; write the id of the series, or leave the row out`);
      if (!found.has(name)) found.set(name, []);
      found.get(name).push(row);
    });
    return found;
  }

  function timesOf(table, time, groups, model, notes) {
    if (time === null) return null;
    const found = clock.read(table.words(time), table.numbers(time));
    if (!found) {
      if (model.reads_clock || model.reading.sort || typeof (model.reading.windows || {}).length === "string") fail(`expected numbers or dates such as 2024-01-31 12:00:00 in column '${time}' of '${table.name}', got '${table.words(time)[0]}'; write all times in one form`);
      notes.push(`the times in column '${time}' were not read: the order of the rows is the clock`);
      return null;
    }
    for (const [name, rows] of groups) {
      if (model.reading.sort) rows.sort((a, b) => found.times[a] - found.times[b]);
      const wrong = rows.findIndex((row, place) => place && found.times[row] <= found.times[rows[place - 1]]);
      if (wrong >= 0) fail(`expected increasing times within each series, got '${table.words(time)[rows[wrong]]}' after '${table.words(time)[rows[wrong - 1]]}' in line ${table.line(rows[wrong])} of '${table.name}' (series '${name}'); sort the rows`);
    }
    return found;
  }

  function readLong(table, model, notes, several) {
    const { reading } = model, id = byName(table, "id", reading.id ?? "series_id", model, notes);
    const time = reading.time === null ? null : byName(table, "time", reading.time ?? "time", model, notes);
    const known = knownFields(model), groups = grouped(table, id);
    if (id === null && !several) {
      const changing = (name) => new Set(table.words(name).filter((cell) => !table.isMissing(cell))).size > 1;
      if (time === null || table.names.some((name) => name !== time && !table.isNumeric(name) && changing(name))) fail(`expected a column for id in '${table.name}', got ${quoted(table.names)}; name it series_id`);
      notes.push("there is no id: the file is one series");
    }
    const channels = longChannels(table, [id, time, ...known], [...groups.values()], model);
    requireChannels(isNumbered(model.channels) ? model.channels : table.names, table, model);
    const times = timesOf(table, time, groups, model, notes);
    const seriesAt = (row) => id === null ? table.name : oneForm(table.words(id)[row]);
    const values = channels.map((name) => measured(table, name, model, seriesAt, true));
    const signals = (model.vocabulary ? model.vocabulary.signals : []).filter((one) => table.has(one.name));
    const words = signals.map((one) => plainWords(table, one.name).words);
    const series = [...groups].map(([name, rows]) => ({
      id: name, length: rows.length,
      values: values.map((column) => Float64Array.from(rows, (row) => column[row])),
      times: times && Float64Array.from(rows, (row) => times.times[row]),
      shown: rows.map((row, step) => time === null ? step : table.words(time)[row]),
      signals: new Map(signals.map((one, place) => [one.name, rows.map((row) => words[place][row])])),
    }));
    const found = new Map();
    for (const name of known.filter((one) => table.has(one))) {
      const column = plainWords(table, name), firsts = [];
      const constant = [...groups.values()].every((rows) => {
        const first = rows.find((row) => column.words[row]);
        firsts.push(first === undefined ? -1 : first);
        return rows.every((row) => !column.words[row] || column.words[row] === column.words[first]);
      });
      if (constant) found.set(name, ofRows(column, firsts));
      else notes.push(`column '${name}' changes within a series, so that it is no metadata`);
    }
    return { channels, series, fields: found, clock: times && times.kind };
  }

  function wideIds(table, model, notes) {
    const wanted = model.reading.id ?? "series_id";
    let id = table.has(wanted) ? wanted : table.names.find((name) => isNamed(name, "id", model) && new Set(table.words(name)).size === table.rows) || null;
    if (id === null) notes.push("there is no id: the series are named by their row, from 0");
    const ids = Array.from({ length: table.rows }, (_, row) => id === null ? String(row) : oneForm(table.words(id)[row]));
    const seen = new Set(), again = ids.findIndex((name) => seen.has(name) || !seen.add(name));
    if (again >= 0) fail(`expected one row per series in '${table.name}', got series '${ids[again]}' again in line ${table.line(again)}; keep one of the two`);
    return [id, ids];
  }

  function readWide(table, model, notes) {
    const [id, ids] = wideIds(table, model, notes), known = knownFields(model);
    const steps = stepColumns(table.names.filter((name) => name !== id && !known.includes(name)));
    if (!isNumbered(model.channels)) requireChannels([...steps.keys()], table, model);
    const channels = isNumbered(model.channels) ? [...steps].sort((a, b) => b[1].size - a[1].size).slice(0, model.channels.length).map(([name]) => name) : model.channels;
    if (channels.length < model.channels.length) fail(`expected ${model.channels.length} channels as in training in '${table.name}', got ${channels.length}; add their columns`);
    const order = [...steps.keys()].filter((name) => channels.includes(name)), own = isNumbered(model.channels) ? order : channels;
    const numbers = [...steps.get(own[0]).keys()].sort((a, b) => a - b);
    const other = own.find((name) => steps.get(name).size !== numbers.length || numbers.some((number) => !steps.get(name).has(number)));
    if (other) fail(`expected the same steps in every channel of '${table.name}', got other steps for '${other}' than for '${own[0]}'; add the missing columns`);
    const columns = own.map((channel) => numbers.map((number) => measured(table, steps.get(channel).get(number), model, (row) => ids[row], false)));
    const series = ids.map((name, row) => {
      let length = numbers.length;
      while (length && columns.every((channel) => Number.isNaN(channel[length - 1][row]))) length--;
      if (!length) fail(`expected at least one value in every series, got none in line ${table.line(row)} of '${table.name}' (series '${name}'); leave the row out`);
      const values = columns.map((channel) => Float64Array.from({ length }, (_, step) => channel[step][row]));
      if (!model.accepts_missing && values.some((one) => one.some(Number.isNaN))) fail(`expected a number everywhere, as in training, got an empty cell in line ${table.line(row)} of '${table.name}' (series '${name}'); fill it in, or leave the series out`);
      return { id: name, length, values, times: null, shown: Array.from({ length }, (_, step) => step), signals: new Map() };
    });
    const rows = ids.map((_, row) => row), found = new Map(known.filter((one) => table.has(one)).map((one) => [one, ofRows(plainWords(table, one), rows)]));
    return { channels: own, series, fields: found, clock: null };
  }

  // Whether a table describes the series and does not hold them: an id and metadata, but not all channels.
  function isMetadata(table, model) {
    const has = knownFields(model).some((name) => table.has(name));
    const holds = isNumbered(model.channels) ? looksWide(table, model.reading.id ?? "series_id", model.reading.time ?? "time", model) : model.channels.every((name) => table.has(name) || stepColumns(table.names).has(name));
    return has && !holds;
  }

  function join(panel, table, model, notes) {
    const wanted = model.reading.id ?? "series_id", id = table.has(wanted) ? wanted : table.names.find((name) => isNamed(name, "id", model));
    if (!id) fail(`expected a column for id in '${table.name}', got ${quoted(table.names)}; name it ${wanted}`);
    const rows = new Map(table.words(id).map((word, row) => [oneForm(word), row]));
    const places = panel.series.map((one) => rows.has(one.id) ? rows.get(one.id) : -1), lacking = panel.series.filter((_, place) => places[place] < 0);
    if (lacking.length) notes.push(`'${table.name}' has no row for ${lacking.length} of ${places.length} series: ${fields.quoted(lacking.map((one) => one.id))}`);
    for (const name of knownFields(model).filter((one) => table.has(one) && one !== id)) panel.fields.set(name, ofRows(plainWords(table, name), places));
  }

  // given: tables of series, and of their metadata.
  function read(given, model) {
    const notes = given.flatMap((table) => table.notes), described = given.length > 1 ? given.filter((table) => isMetadata(table, model)) : [];
    const holding = given.filter((table) => !described.includes(table)), several = holding.length > 1;
    if (!holding.length) fail(`expected a table with the channels ${quoted(model.channels)}, got metadata alone; choose the series too`);
    const { reading } = model, layout = reading.layout || "auto";
    const parts = holding.map((table) => layout === "wide" || (layout === "auto" && looksWide(table, reading.id ?? "series_id", reading.time ?? "time", model)) ? readWide(table, model, notes) : readLong(table, model, notes, several));
    const panel = { channels: parts[0].channels, series: parts.flatMap((one) => one.series), fields: new Map(), clock: parts[0].clock };
    for (const name of knownFields(model))
      if (parts.some((one) => one.fields.has(name))) panel.fields.set(name, { words: parts.flatMap((one) => one.fields.has(name) ? one.fields.get(name).words : one.series.map(() => "")), numbers: parts.flatMap((one) => one.fields.has(name) ? one.fields.get(name).numbers : one.series.map(() => NaN)) });
    for (const table of described) join(panel, table, model, notes);
    const ids = new Set(panel.series.map((one) => one.id));
    if (ids.size < panel.series.length) fail(`expected each series in one file, got an id in several; choose one file, or rename the ids`);
    if (model.reads_clock) requireClock(panel, model);
    return { ...cut(panel, model, notes), notes: [...new Set(notes)] };
  }

  function requireClock(panel, model) {
    if (panel.series.some((one) => !one.times)) fail("expected series with a clock, as in training, got series without times; provide a time for every step");
    if (model.clock && panel.clock !== model.clock) fail(`expected a clock of ${model.clock}, as in training, got a clock of ${panel.clock}; provide the times in the same form as in training`);
  }

  function cut(panel, model, notes) {
    const rule = model.reading.windows;
    if (!rule) return { ...panel, areWindows: false };
    const [series, rows] = windows.cut(panel.series, rule, (model.reading.units || {}).time, panel.clock);
    notes.push(`cut into windows, as in training: length ${rule.length}, stride ${rule.stride ?? rule.length}`);
    const own = new Map([...panel.fields].map(([name, column]) => [name, ofRows(column, rows)]));
    return { ...panel, series, fields: own, areWindows: true };
  }

  return { read };
})();
