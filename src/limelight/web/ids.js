"use strict";
// Ids in one form, and the ids of two tables that are not written in the same way.
const ids = (() => {
  const NO_WORD = new Set(["", "nan", "NaN", "NAN", "NaT", "<NA>"]), MOST_SHOWN = 3;
  const ENDING = /(\.[A-Za-z][A-Za-z0-9]{0,9}(\.gz|\.zip|\.bz2|\.xz|\.zst)?|\.(mp3|mp4|7z))$/i, EDGES = /^[\s\u200b-\u200d\u2060\ufeff]+|[\s\u200b-\u200d\u2060\ufeff]+$/g;

  // A word without blanks around it, and without the decimal point of a whole number.
  function oneForm(word) {
    const plain = word.normalize("NFC").replace(EDGES, "").replace(/[ \t\u00a0\u2000-\u200a\u202f\u205f\u3000]+/g, " ");
    const whole = /^([+-]?\d+)\.0*$/.exec(plain);
    return whole ? whole[1] : plain;
  }

  // The id in each row of a column; an empty one is an error.
  function read(table, column) {
    const found = table.words(column).map(oneForm), empty = found.findIndex((word) => NO_WORD.has(word));
    if (empty >= 0) tables.fail(`expected no empty cell in column '${column}', got one in line ${table.line(empty)} of '${table.name}'; write the id of the series in every row, or leave the row out`);
    return found;
  }

  const withoutEnding = (word) => word.replace(ENDING, "") || word, withoutFolder = (word) => word.replace(/[\\/]+$/, "").split(/[\\/]/).pop();
  const withoutZeros = (word) => word.replace(/(^|[^\d.])0+(?=\d)/g, "$1"), plain = (word) => withoutZeros(withoutEnding(word).toLowerCase()).replace(/[\s_-]+/g, "_");
  // What is disregarded to match ids, from little to much.
  const FORMS = [withoutEnding, (word) => withoutEnding(withoutFolder(word)), (word) => word.toLowerCase(), withoutZeros, plain, (word) => plain(withoutFolder(word))];

  const placesOf = (own, others) => {
    const place = new Map();
    others.forEach((word, row) => { if (!place.has(word)) place.set(word, row); });
    return own.map((word) => place.get(word) ?? -1);
  };

  // Places by a form of the ids; none unless distinct ids have distinct forms.
  function matchedBy(form, own, others) {
    const [forms, otherForms] = [own.map(form), others.map(form)], isDistinct = (words, made) => new Set(made).size === new Set(words).size;
    return isDistinct(own, forms) && isDistinct(others, otherForms) ? placesOf(forms, otherForms) : own.map(() => -1);
  }

  // Places of ids such as "s7" and "7", if all ids of each table differ in their number only.
  function matchedByNumber(own, others) {
    const [parts, otherParts] = [own, others].map((words) => words.map((word) => /^(\D*)(\d+)(\D*)$/.exec(plain(withoutFolder(word)))));
    const isOneForm = (found) => found.every(Boolean) && new Set(found.map(([, before, , after]) => `${before} ${after}`)).size === 1;
    if (!isOneForm(parts) || !isOneForm(otherParts)) return own.map(() => -1);
    const [numbers, otherNumbers] = [parts, otherParts].map((found) => found.map((one) => one[2])), rows = placesOf(numbers, otherNumbers);
    const isDistinct = (words, made) => new Set(made).size === new Set(words).size;
    return isDistinct(own, numbers) && isDistinct(others, otherNumbers) && !rows.includes(-1) ? rows : own.map(() => -1);
  }

  // The first place of each id among the others, -1 if there is none, and a note if ids are written differently.
  function match(own, others, place, byNumber = false) {
    const count = (rows) => rows.filter((row) => row >= 0).length;
    let rows = placesOf(own, others);
    if (rows.includes(-1) && new Set(others).size > new Set(rows.filter((row) => row >= 0)).size) {
      for (const form of FORMS) {
        const found = matchedBy(form, own, others);
        if (count(found) > count(rows)) rows = found;
        if (!rows.includes(-1)) break;
      }
      if (byNumber && !count(rows)) rows = matchedByNumber(own, others);
    }
    const pairs = [...new Set(own.map((word, row) => rows[row] < 0 || others[rows[row]] === word ? "" : `'${word}' is '${others[rows[row]]}'`))].filter(Boolean);
    const more = pairs.length > MOST_SHOWN ? ` and ${pairs.length - MOST_SHOWN} more` : "";
    return [rows, pairs.length ? `matched ids that are written differently in ${place}: ${pairs.slice(0, MOST_SHOWN).join(", ")}${more}` : null];
  }

  return { NO_WORD, oneForm, read, match };
})();
