"use strict";
// Series from tables, with the columns of the training: one row a step, or one row a series.
const reader = (() => {
  const ROW_NUMBERS = /^(|unnamed:? ?\d+(_level_\d+)?|index|level_\d+|__index_level_\d+__|row(_?(number|nr|no|id))?|rownum)$/;
  const ROWS_TO_JUDGE = 20;
  const { isNamed, stepColumns } = layout;
  const quoted = (names) => fields.quoted(names, 12), counted = (count, thing) => `${count} ${thing}${count === 1 ? "" : "s"}`;

  // The column with a role by its name or, for the default name, by another common name; null if there is none.
  function byName(table, role, column, model, notes) {
    if (table.has(column)) return column;
    if (column !== (role === "id" ? "series_id" : role)) tables.fail(`expected a column '${column}' for ${role} in '${table.name}', got ${quoted(table.names)}; rename the column as in training`);
    let found = table.names.filter((name) => isNamed(name, role, model));
    if (role === "id" && table.rows >= ROWS_TO_JUDGE) found = found.filter((name) => new Set(table.words(name)).size < table.rows);
    if (found.length > 1) tables.fail(`expected one ${role} column in '${table.name}', got ${quoted(found)}; rename it ${role === "id" ? "series_id" : role}`);
    if (found.length) notes.push(`took column '${found[0]}' as ${role}`);
    return found.length ? found[0] : null;
  }

  // Words in columns of numbers that are read as missing values, apart from those that programs write.
  function oddWords() {
    const found = new Map();
    return {
      add(column, word, model) {
        if (model.words.empty.includes(word.toLowerCase())) return;
        if (!found.has(word)) found.set(word, { count: 0, columns: new Set() });
        found.get(word).count++;
        found.get(word).columns.add(column);
      },
      notes: () => found.size ? [`words in columns of numbers were read as missing values: ${[...found].slice(0, 5).map(([word, { count, columns }]) => `'${word}' in ${count} ${count === 1 ? "cell" : "cells"} of ${fields.quoted([...columns], 3)}`).join(", ")}${found.size > 5 ? ` and ${found.size - 5} more` : ""}`] : [],
    };
  }

  // The numbers of a column of measurements; a word is an error, as are missing values if the model accepts none.
  function measured(table, column, model, seriesAt, requireAll, odd) {
    const values = table.numbers(column), absent = model.reading.missing_values || [];
    const wrong = values.findIndex((value) => value === undefined || Math.abs(value) > 3.4028234663852886e38);
    if (wrong >= 0) tables.fail(`expected a number in column '${column}', got '${table.words(column)[wrong]}' in line ${table.line(wrong)} of '${table.name}' (series '${seriesAt(wrong)}'); correct it, or leave the cell empty if the value is unknown`);
    values.forEach((value, row) => { if (Number.isNaN(value)) odd.add(column, table.words(column)[row], model); });
    const found = absent.length ? values.map((value) => absent.includes(value) ? NaN : value) : values;
    const gap = requireAll && !model.accepts_missing ? found.findIndex(Number.isNaN) : -1;
    if (gap >= 0) tables.fail(`expected a number everywhere, as in training, got an empty cell in column '${column}' in line ${table.line(gap)} of '${table.name}' (series '${seriesAt(gap)}'); fill it in, or leave the series out`);
    return found;
  }

  const isNumbered = (names) => names.every((name, place) => name === `channel_${place}`);

  function longChannels(table, taken, groups, model, notes) {
    if (!isNumbered(model.channels)) return model.channels;
    const isLabel = (name) => isNamed(name, "label", model) || name.startsWith("label_"), labels = table.names.filter((name) => !taken.includes(name) && isLabel(name));
    const isUnreadClock = (name) => model.reading.time === null && isNamed(name, "time", model);
    if (labels.length) notes.push(`the labels in column ${quoted(labels)} were not read`);
    const numeric = table.names.filter((name) => !taken.includes(name) && !isLabel(name) && !isUnreadClock(name) && !ROW_NUMBERS.test(name.toLowerCase()) && table.isNumeric(name));
    if (numeric.length === model.channels.length) return numeric;
    const free = numeric.filter((name) => table.words(name).some((word) => !table.isMissing(word))), empty = numeric.filter((name) => !free.includes(name));
    if (empty.length) notes.push(`ignored columns without a value in any row: ${quoted(empty)}`);
    if (free.length === model.channels.length) return free;
    const varies = (name) => { const words = table.words(name); return groups.some((rows) => rows.some((row) => words[row] !== words[rows[0]])); };
    const changing = free.filter(varies);
    if (changing.length === model.channels.length) notes.push(`ignored columns that do not change within a series: ${quoted(free.filter((name) => !changing.includes(name)))}`);
    else tables.fail(`expected ${counted(model.channels.length, "column")} of measurements as in training in '${table.name}', got ${free.length} (${quoted(free) || "none"}); leave the other columns out`);
    return changing;
  }

  function requireChannels(names, table, model) {
    const lacking = model.channels.filter((name) => !names.includes(name));
    if (lacking.length) tables.fail(`expected the channels in training (${quoted(model.channels)}), got ${quoted(names)} in '${table.name}', which lacks ${quoted(lacking)}; rename the columns as in training`);
  }


  // Rows of each series in order of first appearance; a file without an id is one series.
  function grouped(table, id) {
    if (id === null) return new Map([[tables.stemOf(table.name), Array.from({ length: table.rows }, (_, row) => row)]]);
    const found = new Map();
    ids.read(table, id).forEach((name, row) => {
      if (!found.has(name)) found.set(name, []);
      found.get(name).push(row);
    });
    return found;
  }

  // Why a column is not a clock: an empty cell, a cell that is not a time, or times of several forms.
  function describeUnread(table, time) {
    const words = table.words(time), numbers = table.numbers(time), empty = words.findIndex((word) => table.isMissing(word));
    if (empty >= 0) return `expected a time in every row of column '${time}', got none in line ${table.line(empty)} of '${table.name}'; fill it in, or leave the row out`;
    const odd = Math.max(0, words.findIndex((word, row) => !clock.read([word], [numbers[row]])));
    return `expected numbers or dates such as 2024-01-31 12:00:00 in column '${time}' of '${table.name}', got '${words[odd]}' in line ${table.line(odd)}; write all times in one form`;
  }

  function timesOf(table, time, groups, model, notes, order) {
    if (time === null && model.reading.sort) tables.fail(`expected a column of times to sort by, as in training, in '${table.name}', got ${quoted(table.names)}; name it time`);
    if (time === null) return null;
    const found = clock.read(table.words(time), table.numbers(time), order);
    if (!found) {
      if (model.reads_clock || model.reading.sort || typeof (model.reading.windows || {}).length === "string") tables.fail(describeUnread(table, time));
      notes.push(`the times in column '${time}' were not read: the order of the rows is the clock`);
      return null;
    }
    if (found.order === "undecided" && order === "day first") notes.push(`read the dates in '${time}' with the day first, although no date shows whether day or month comes first; write dates as 2024-01-31 if the month comes first`);
    else if (found.order) notes.push(`read the dates in '${time}' with the ${found.order === "undecided" ? order : found.order}`);
    for (const [name, rows] of groups) {
      if (model.reading.sort) rows.sort((a, b) => found.times[a] - found.times[b]);
      const wrong = rows.findIndex((row, place) => place && found.times[row] <= found.times[rows[place - 1]]);
      if (wrong >= 0) tables.fail(`expected increasing times within each series, got '${table.words(time)[rows[wrong]]}' after '${table.words(time)[rows[wrong - 1]]}' in line ${table.line(rows[wrong])} of '${table.name}' (series '${name}'); sort the rows`);
    }
    return found;
  }

  // The table with a clock in several columns as one, and the name of its clock; null if it has none.
  function withClock(table, id, model, notes) {
    const wanted = model.reading.time === undefined ? "time" : model.reading.time, own = isNumbered(model.channels) ? [] : model.channels;
    const found = wanted === "time" ? joinedClock.join(table, [id, ...metadata.known(model), ...own, "label"], model) : null;
    if (!found) return [table, wanted === null ? null : byName(table, "time", wanted, model, notes)];
    if (id === null && new Set(table.words(found.parts[0])).size > 1) tables.fail(`expected a column for id in '${table.name}', got ${quoted(table.names)}; name it series_id`);
    notes.push(`took columns ${quoted(found.parts)} together as time`);
    return [found.table, found.name];
  }

  // The order of day and month that the dates of several tables show together.
  function orderOfDay(holding, model) {
    const shown = new Set(holding.map((given) => {
      const [table, time] = withClock(given, byName(given, "id", model.reading.id ?? "series_id", model, []), model, []);
      return time === null ? null : (clock.read(table.words(time), table.numbers(time)) || {}).order;
    }));
    if (shown.has("day first") && shown.has("month first")) tables.fail("expected one order of day and month in all files, got dates with the day first and dates with the month first; write all dates in the same format, best as 2024-01-31");
    return shown.has("month first") ? "month first" : "day first";
  }

  // The id by its content; null if the file is one series.
  function idByContent(table, time, model, notes) {
    const isAlone = guesses.isOneSeries(table, time, !isNumbered(model.channels), model), found = isAlone ? null : guesses.findId(table, time, model);
    if (!isAlone && !found) tables.fail(`expected a column for id in '${table.name}', got ${quoted(table.names)}; name it series_id`);
    notes.push(isAlone ? "there is no id: the file is one series" : `took column '${found.id}' as id: ${found.why}`);
    return isAlone ? null : found.id;
  }

  // The clock by its content, among columns that are not channels.
  function clockByContent(table, taken, groups, model, notes) {
    if (model.reading.time !== undefined && model.reading.time !== "time") return null;
    const free = table.names.filter((name) => !taken.includes(name) && !isNamed(name, "label", model) && !ROW_NUMBERS.test(name.toLowerCase())), others = isNumbered(model.channels) ? free : free.filter((name) => !model.channels.includes(name));
    const withNumbers = !isNumbered(model.channels) || free.filter((name) => table.isNumeric(name)).length > model.channels.length, found = guesses.findClock(table, others, groups, withNumbers);
    if (found !== null) notes.push(`took column '${found}' as time: it rises within each series`);
    return found;
  }

  function readLong(given, model, notes, several, order) {
    const named = byName(given, "id", model.reading.id ?? "series_id", model, notes), [table, clockByName] = withClock(given, named, model, notes), known = metadata.known(model);
    const id = named ?? (several ? null : idByContent(table, clockByName, model, notes)), groups = grouped(table, id);
    const time = clockByName ?? clockByContent(table, [id, ...known], [...groups.values()], model, notes);
    const channels = longChannels(table, [id, time, ...known], [...groups.values()], model, notes);
    requireChannels(isNumbered(model.channels) ? model.channels : table.names, table, model);
    const times = timesOf(table, time, groups, model, notes, order);
    const seriesAt = (row) => id === null ? table.name : ids.oneForm(table.words(id)[row]);
    const odd = oddWords(), values = channels.map((name) => measured(table, name, model, seriesAt, true, odd));
    notes.push(...odd.notes());
    const signals = (model.vocabulary ? model.vocabulary.signals : []).filter((one) => table.has(one.name));
    const words = signals.map((one) => metadata.inSteps(table, one.name).words);
    const series = [...groups].map(([name, rows]) => ({
      id: name, length: rows.length,
      values: values.map((column) => Float64Array.from(rows, (row) => column[row])),
      times: times && Float64Array.from(rows, (row) => times.times[row]),
      shown: rows.map((row, step) => time === null ? step : table.words(time)[row]),
      signals: new Map(signals.map((one, place) => [one.name, rows.map((row) => words[place][row])])),
    }));
    return { channels, series, fields: metadata.inLong(table, [...groups.values()], model, notes), clock: times && times.kind };
  }

  function wideIds(table, model, notes, several) {
    const wanted = model.reading.id ?? "series_id";
    if (wanted !== "series_id" && !table.has(wanted)) tables.fail(`expected a column '${wanted}' for id in '${table.name}', got ${quoted(table.names)}; rename the column as in training`);
    const named = (name) => isNamed(name, "id", model) || (ROW_NUMBERS.test(name.toLowerCase()) && !table.isNumeric(name));
    const id = table.has(wanted) ? wanted : table.names.find((name) => named(name) && table.words(name).every((word) => word) && new Set(table.words(name)).size === table.rows) ?? null;
    if (id === null) notes.push("there is no id: the series are named by their row, from 0");
    const names = id === null ? Array.from({ length: table.rows }, (_, row) => several ? `${tables.stemOf(table.name)}_${row}` : String(row)) : ids.read(table, id);
    const seen = new Set(), again = names.findIndex((name) => seen.has(name) || !seen.add(name));
    if (again >= 0) tables.fail(`expected one row per series in '${table.name}', got series '${names[again]}' again in line ${table.line(again)}; keep one of the two`);
    return [id, names];
  }

  // The columns of each channel by the number of their step, and the times of the steps if they name the columns.
  function wideSteps(table, id, model, notes) {
    const free = table.names.filter((name) => name !== id && !metadata.known(model).includes(name) && !(ROW_NUMBERS.test(name.toLowerCase()) && table.isNumeric(name)));
    const timed = isNumbered(model.channels) ? layout.timedColumns(free) : null;
    if (!timed) {
      const steps = stepColumns(free), again = layout.repeatedStep(free, steps);
      if (again) tables.fail(`expected each step of a channel once in '${table.name}', got columns '${again[0]}' and '${again[1]}' for one step; rename one`);
      return [steps, null];
    }
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
    if (other !== undefined) tables.fail(`expected the same steps in every channel of '${table.name}', got other steps for '${other}' than for '${first}'; add the missing columns, or leave these out`);
    if (own.length !== model.channels.length) tables.fail(`expected ${counted(model.channels.length, "channel")} as in training in '${table.name}', got ${own.length} (${quoted(own) || "none"}); ${own.length < model.channels.length ? "add their columns" : "leave the others out"}`);
    return [own, numbers];
  }

  function readWide(table, model, notes, several) {
    const [id, names] = wideIds(table, model, notes, several), [steps, timed] = wideSteps(table, id, model, notes);
    const [own, numbers] = wideChannels(steps, table, model), odd = oddWords();
    const columns = own.map((channel) => numbers.map((number) => measured(table, steps.get(channel).get(number), model, (row) => names[row], false, odd)));
    const series = names.map((name, row) => {
      let length = numbers.length;
      while (length && columns.every((channel) => Number.isNaN(channel[length - 1][row]))) length--;
      if (!length) tables.fail(`expected at least one value in every series, got none in line ${table.line(row)} of '${table.name}' (series '${name}'); leave the row out`);
      const values = columns.map((channel) => Float64Array.from({ length }, (_, step) => channel[step][row]));
      if (!model.accepts_missing && values.some((one) => one.some(Number.isNaN))) tables.fail(`expected a number everywhere, as in training, got an empty cell in line ${table.line(row)} of '${table.name}' (series '${name}'); fill it in, or leave the series out`);
      return { id: name, length, values, times: timed && timed.times.slice(0, length), shown: Array.from({ length }, (_, step) => timed ? timed.names[step] : step), signals: new Map() };
    });
    notes.push(...odd.notes());
    const short = series.filter((one) => one.length < numbers.length).length;
    if (short) notes.push(`the last steps of ${short} series are empty: read as shorter series`);
    return { channels: own, series, fields: metadata.inWide(table, model), clock: timed && timed.kind };
  }

  function holdsSeries(table, model) {
    return isNumbered(model.channels) ? layout.isWide(table, model, null) : model.channels.every((name) => table.has(name) || stepColumns(table.names).has(name));
  }

  // given: tables of series, and of their metadata.
  function read(given, model) {
    const notes = given.flatMap((table) => table.notes), described = given.length > 1 ? given.filter((table) => metadata.isOwnTable(table, holdsSeries(table, model), model)) : [];
    const holding = given.filter((table) => !described.includes(table)), several = holding.length > 1;
    if (!holding.length) tables.fail(`expected a table with the channels ${quoted(model.channels)}, got metadata alone; choose the series too`);
    const names = isNumbered(model.channels) ? null : model.channels;
    const isWide = holding.map((table) => layout.isWide(table, model, names)), long = holding.filter((_, place) => !isWide[place]);
    const order = long.length > 1 ? orderOfDay(long, model) : "day first";
    const parts = holding.map((table, place) => isWide[place] ? readWide(table, model, notes, several) : readLong(table, model, notes, several, order));
    requireOneClock(parts, holding);
    const panel = { channels: parts[0].channels, series: parts.flatMap((one) => one.series), fields: metadata.joined(parts, model), clock: parts[0].clock };
    for (const table of described) metadata.join(panel, table, model, notes);
    requireOneFile(parts, holding);
    if (model.reads_clock) requireClock(panel, model);
    return { ...cut(panel, model, notes), notes: [...new Set(notes)] };
  }

  function requireOneFile(parts, holding) {
    const file = new Map();
    parts.forEach((one, place) => one.series.forEach(({ id }) => {
      if (file.has(id)) tables.fail(`expected each series in one file, got '${id}' in '${file.get(id)}' and in '${holding[place].name}'; rename one, or choose one of the files`);
      file.set(id, holding[place].name);
    }));
  }

  function requireOneClock(parts, holding) {
    const first = parts.findIndex((one) => one.clock), other = parts.findIndex((one) => one.clock && one.clock !== parts[first].clock);
    if (other >= 0) tables.fail(`expected one kind of time in all files, got ${parts[first].clock} in '${holding[first].name}' and ${parts[other].clock} in '${holding[other].name}'; write all times in one form`);
  }

  function requireClock(panel, model) {
    if (panel.series.some((one) => !one.times)) tables.fail("expected series with a clock, as in training, got series without times; provide a time for every step");
    if (model.clock && panel.clock !== model.clock) tables.fail(`expected a clock of ${model.clock}, as in training, got a clock of ${panel.clock}; provide the times in the same form as in training`);
  }

  function cut(panel, model, notes) {
    const rule = model.reading.windows;
    if (!rule) return { ...panel, areWindows: false };
    const [series, rows] = windows.cut(panel.series, rule, (model.reading.units || {}).time, panel.clock);
    notes.push(`cut into windows, as in training: length ${rule.length}, stride ${rule.stride ?? rule.length}`);
    const own = new Map([...panel.fields].map(([name, column]) => [name, metadata.ofRows(column, rows)]));
    return { ...panel, series, fields: own, areWindows: true };
  }

  return { read };
})();
