"use strict";
// Series from tables, with the columns of the training: one row a step, or one row a series.
const reader = (() => {
  const ROW_NUMBERS = /^(|unnamed:? ?\d+(_level_\d+)?|index|level_\d+|__index_level_\d+__|row(_?(number|nr|no|id))?|rownum)$/;
  const { isNamed, stepColumns } = layout;
  const fail = (sentence) => { throw new tables.Unreadable(sentence); };
  const quoted = (names) => fields.quoted(names, 12);

  // A word without blanks around it, and without the decimal point of a whole number.
  function oneForm(word) {
    const plain = word.normalize("NFC").replace(/[ \t\u00a0\u2000-\u200a\u202f\u205f\u3000]+/g, " ").trim();
    const whole = /^([+-]?\d+)\.0*$/.exec(plain);
    return whole ? whole[1] : plain;
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

  function longChannels(table, taken, groups, model, notes) {
    if (!isNumbered(model.channels)) return model.channels;
    const free = table.names.filter((name) => !taken.includes(name) && !isNamed(name, "label", model) && !name.startsWith("label_") && !ROW_NUMBERS.test(name.toLowerCase()) && table.isNumeric(name));
    if (free.length === model.channels.length) return free;
    const varies = (name) => { const words = table.words(name); return groups.some((rows) => rows.some((row) => words[row] !== words[rows[0]])); };
    const changing = free.filter(varies);
    if (changing.length === model.channels.length) notes.push(`ignored columns that do not change within a series: ${quoted(free.filter((name) => !changing.includes(name)))}`);
    else fail(`expected ${model.channels.length} columns of measurements as in training in '${table.name}', got ${free.length} (${quoted(free) || "none"}); leave the other columns out`);
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

  // The table with a clock in several columns as one, and the name of its clock; null if it has none.
  function withClock(table, id, model, notes) {
    const wanted = model.reading.time === undefined ? "time" : model.reading.time, own = isNumbered(model.channels) ? [] : model.channels;
    const found = wanted === "time" ? joinedClock.join(table, [id, ...knownFields(model), ...own, "label"], model) : null;
    if (!found) return [table, wanted === null ? null : byName(table, "time", wanted, model, notes)];
    if (id === null && new Set(table.words(found.parts[0])).size > 1) fail(`expected a column for id in '${table.name}', got ${quoted(table.names)}; name it series_id`);
    notes.push(`took columns ${quoted(found.parts)} together as time`);
    return [found.table, found.name];
  }

  function readLong(given, model, notes, several) {
    const { reading } = model, id = byName(given, "id", reading.id ?? "series_id", model, notes);
    const [table, time] = withClock(given, id, model, notes), known = knownFields(model), groups = grouped(table, id);
    if (id === null && !several) {
      const changing = (name) => new Set(table.words(name).filter((cell) => !table.isMissing(cell))).size > 1;
      if (time === null || table.names.some((name) => name !== time && !table.isNumeric(name) && changing(name))) fail(`expected a column for id in '${table.name}', got ${quoted(table.names)}; name it series_id`);
      notes.push("there is no id: the file is one series");
    }
    const channels = longChannels(table, [id, time, ...known], [...groups.values()], model, notes);
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
    if (wanted !== "series_id" && !table.has(wanted)) fail(`expected a column '${wanted}' for id in '${table.name}', got ${quoted(table.names)}; rename the column as in training`);
    const named = (name) => isNamed(name, "id", model) || (ROW_NUMBERS.test(name.toLowerCase()) && !table.isNumeric(name));
    const id = table.has(wanted) ? wanted : table.names.find((name) => named(name) && table.words(name).every((word) => word) && new Set(table.words(name)).size === table.rows) ?? null;
    if (id === null) notes.push("there is no id: the series are named by their row, from 0");
    const ids = Array.from({ length: table.rows }, (_, row) => id === null ? String(row) : oneForm(table.words(id)[row]));
    const empty = ids.indexOf("");
    if (empty >= 0) fail(`expected no empty cell in column '${id}', got one in line ${table.line(empty)} of '${table.name}'; write the id of the series, or leave the row out`);
    const seen = new Set(), again = ids.findIndex((name) => seen.has(name) || !seen.add(name));
    if (again >= 0) fail(`expected one row per series in '${table.name}', got series '${ids[again]}' again in line ${table.line(again)}; keep one of the two`);
    return [id, ids];
  }

  // The columns of each channel by the number of their step, and the times of the steps if they name the columns.
  function wideSteps(table, id, model, notes) {
    const free = table.names.filter((name) => name !== id && !knownFields(model).includes(name) && !(ROW_NUMBERS.test(name.toLowerCase()) && table.isNumeric(name)));
    const timed = isNumbered(model.channels) ? layout.timedColumns(free) : null;
    if (!timed) return [stepColumns(free), null];
    notes.push(`took the names of the columns as times, from '${timed.names[0]}' to '${timed.names[timed.names.length - 1]}'`);
    return [new Map([["channel_0", new Map(timed.names.entries())]]), timed];
  }

  // Channels of the same steps, as many as in training; columns of words such as 'site2' are none.
  function wideChannels(steps, table, model) {
    if (!isNumbered(model.channels)) requireChannels([...steps.keys()], table, model);
    const wanted = isNumbered(model.channels) ? [...steps.keys()] : model.channels, most = Math.max(0, ...wanted.map((name) => steps.get(name).size));
    const first = wanted.find((name) => steps.get(name).size === most), numbers = first === undefined ? [] : [...steps.get(first).keys()].sort((a, b) => a - b);
    const alike = (name) => steps.get(name).size === most && numbers.every((number) => steps.get(name).has(number));
    const own = wanted.filter((name) => alike(name) || !isNumbered(model.channels) || [...steps.get(name).values()].some((column) => table.isNumeric(column)));
    const other = own.find((name) => !alike(name));
    if (other !== undefined) fail(`expected the same steps in every channel of '${table.name}', got other steps for '${other}' than for '${first}'; add the missing columns, or leave these out`);
    if (own.length !== model.channels.length) fail(`expected ${model.channels.length} channels as in training in '${table.name}', got ${own.length} (${quoted(own) || "none"}); ${own.length < model.channels.length ? "add their columns" : "leave the others out"}`);
    return [own, numbers];
  }

  function readWide(table, model, notes) {
    const [id, ids] = wideIds(table, model, notes), known = knownFields(model), [steps, timed] = wideSteps(table, id, model, notes);
    const [own, numbers] = wideChannels(steps, table, model);
    const columns = own.map((channel) => numbers.map((number) => measured(table, steps.get(channel).get(number), model, (row) => ids[row], false)));
    const series = ids.map((name, row) => {
      let length = numbers.length;
      while (length && columns.every((channel) => Number.isNaN(channel[length - 1][row]))) length--;
      if (!length) fail(`expected at least one value in every series, got none in line ${table.line(row)} of '${table.name}' (series '${name}'); leave the row out`);
      const values = columns.map((channel) => Float64Array.from({ length }, (_, step) => channel[step][row]));
      if (!model.accepts_missing && values.some((one) => one.some(Number.isNaN))) fail(`expected a number everywhere, as in training, got an empty cell in line ${table.line(row)} of '${table.name}' (series '${name}'); fill it in, or leave the series out`);
      return { id: name, length, values, times: timed && timed.times.slice(0, length), shown: Array.from({ length }, (_, step) => timed ? timed.names[step] : step), signals: new Map() };
    });
    const rows = ids.map((_, row) => row), found = new Map(known.filter((one) => table.has(one)).map((one) => [one, ofRows(plainWords(table, one), rows)]));
    return { channels: own, series, fields: found, clock: timed && timed.kind };
  }

  // Whether a table describes the series and does not hold them: an id and metadata, but not all channels.
  function isMetadata(table, model) {
    const has = knownFields(model).some((name) => table.has(name));
    const holds = isNumbered(model.channels) ? layout.isWide(table, model, null) : model.channels.every((name) => table.has(name) || stepColumns(table.names).has(name));
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
    const names = isNumbered(model.channels) ? null : model.channels;
    const parts = holding.map((table) => layout.isWide(table, model, names) ? readWide(table, model, notes) : readLong(table, model, notes, several));
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
