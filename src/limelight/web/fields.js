"use strict";
// Metadata as codes, numbers and hashed words, as the vocabulary of the model encodes them.
const fields = (() => {
  const CRC = Uint32Array.from({ length: 256 }, (_, byte) => {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
    return value;
  });

  function crc32(text) {
    let value = 0xffffffff;
    for (const byte of new TextEncoder().encode(text)) value = CRC[(value ^ byte) & 255] ^ (value >>> 8);
    return (value ^ 0xffffffff) >>> 0;
  }

  const turn = (share) => [Math.sin(2 * Math.PI * share), Math.cos(2 * Math.PI * share)];
  const days = (seconds) => Math.floor(seconds / 86400);

  const PARTS = {
    month: (seconds) => turn(new Date(seconds * 1000).getUTCMonth() / 12),
    weekday: (seconds) => turn((((days(seconds) + 3) % 7) + 7) % 7 / 7),
    hour: (seconds) => turn(Math.floor((seconds - days(seconds) * 86400) / 3600) / 24),
    year: (seconds) => [(days(seconds) - 10957) / 365.2425],
  };

  const quoted = (names, most = 5) => names.slice(0, most).map((name) => `'${name}'`).join(", ") + (names.length > most ? ` and ${names.length - most} more` : "");

  // The code of each word, counted from 1; 0 for a word that is missing or was not seen in training.
  function codes(field, words, notes, series) {
    const known = new Map(field.words.map((word, place) => [word, place + 1]));
    const found = words.map((word) => known.get(word) || 0);
    const unseen = words.filter((word, place) => word && !found[place]);
    if (unseen.length) notes.push(`metadata '${field.name}' has words not seen in training, in ${unseen.length} of ${series} series: ${quoted([...new Set(unseen)])}; treated as unknown`);
    return found;
  }

  function dateColumns(field, words) {
    const parts = Object.keys(PARTS).filter((part) => field.parts.includes(part));
    return words.map((word) => {
      const at = clock.date(word);
      return parts.flatMap((part) => at === undefined ? (part === "year" ? [NaN] : [NaN, NaN]) : PARTS[part](at));
    });
  }

  // Whether a cell of a field is missing; in a field of categories, words such as "unknown" are not.
  function isMissing(kind, word, value, model) {
    if (kind === "number") return !Number.isFinite(value);
    if (kind === "date") return clock.date(word) === undefined;
    return !word || (kind === "boolean" && model.words.missing.includes(word.toLowerCase()));
  }

  function encode(model, panel, notes) {
    const n = panel.series.length, categories = [], numbers = Array.from({ length: n }, () => []), texts = [];
    for (const field of model.vocabulary.fields) {
      if (field.kind === "ignore") continue;
      const own = panel.fields.get(field.name), words = own ? own.words : Array(n).fill("");
      const values = own && own.numbers ? own.numbers : Array(n).fill(undefined), missing = words.filter((word, row) => isMissing(field.kind, word, values[row], model)).length;
      if (missing === n || (missing && !field.has_missing)) notes.push(`metadata '${field.name}' is missing for ${missing} of ${n} series: treated as unknown`);
      if (field.kind === "category") categories.push(codes(field, words, notes, n));
      else if (field.kind === "boolean") categories.push(codes(field, words.map((word) => isMissing(field.kind, word, undefined, model) ? "" : model.words.booleans[word.toLowerCase()] || word), notes, n));
      else if (field.kind === "text") texts.push(words.map((word) => (word.toLowerCase().match(/[\p{L}\p{N}_]{2,}/gu) || []).map((one) => crc32(one) % model.vocabulary.buckets + 1)));
      else if (field.kind === "date") dateColumns(field, words).forEach((cells, row) => numbers[row].push(...cells));
      else {
        const odd = words.filter((word, row) => word && values[row] === undefined);
        if (odd.length) notes.push(`metadata '${field.name}' has words among its numbers: ${quoted([...new Set(odd)])}; treated as unknown`);
        values.forEach((value, row) => numbers[row].push(value === undefined ? NaN : value));
      }
    }
    return { categories, numbers, texts };
  }

  // The arrays of some series, by the name of the input of the model.
  function arrays(encoded, rows) {
    const { categories, numbers, texts } = encoded, found = {};
    if (categories.length) found.categories = [BigInt64Array.from(rows.flatMap((row) => categories.map((one) => BigInt(one[row])))), [rows.length, categories.length]];
    const width = numbers.length ? numbers[0].length : 0;
    if (width) found.numbers = [Float64Array.from(rows.flatMap((row) => numbers[row])), [rows.length, width]];
    if (texts.length) {
      const longest = Math.max(1, ...rows.flatMap((row) => texts.map((one) => one[row].length)));
      const tokens = new BigInt64Array(rows.length * texts.length * longest);
      rows.forEach((row, place) => texts.forEach((one, text) => one[row].forEach((code, at) => { tokens[(place * texts.length + text) * longest + at] = BigInt(code); })));
      found.tokens = [tokens, [rows.length, texts.length, longest]];
    }
    return found;
  }

  return { encode, arrays, quoted };
})();
