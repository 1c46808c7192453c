"use strict";
// A clock in several columns: a date beside a time of day or an hour, or year, month and day.
const joinedClock = (() => {
  const TIME = /^\d{1,2}:\d{2}(:\d{2}([.,]\d{1,9})?)?(\s*[AaPp]\.?[Mm]\.?)?(Z|[+-]\d{2}:?\d{2})?$/, MIDNIGHT = /[T ]00:00(:00(\.0+)?)?$/;
  const RANGES = [[1900, 2099], [1, 12], [1, 31], [0, 23], [0, 59], [0, 59]], DAY = 86_400;

  function holdsDates(table, name) {
    const found = clock.read(table.words(name), table.numbers(name));
    return found !== null && found.kind === "dates" && found.times.every((time) => time % DAY === 0);
  }

  function liesIn(table, name, [least, most]) {
    return table.isNumeric(name) && table.numbers(name).every((one) => Number.isInteger(one) && one >= least && one <= most);
  }

  // The columns of year, month, day and so on, up to the first that is missing or repeated; hours alone are found too.
  function unitsOfDate(table, free, model) {
    const found = [];
    for (const [place, names] of model.words.units_of_dates.entries()) {
      const own = free.filter((name) => names.includes(layout.plainName(name)) && liesIn(table, name, RANGES[place]));
      if (own.length === 1) found.push(own[0]);
      else if (found.length) break;
    }
    return found;
  }

  // The columns that together are the clock, among those without another role; null if there are none.
  function parts(table, free, model) {
    const named = free.filter((name) => layout.isNamed(name, "time", model)), dates = named.filter((name) => holdsDates(table, name));
    const ofDay = free.filter((name) => model.words.times_of_day.includes(layout.plainName(name)) && !dates.includes(name) && table.words(name).every((word) => TIME.test(word)));
    const others = named.filter((name) => !dates.includes(name) && !ofDay.includes(name)), hours = model.words.units_of_dates[3];
    if (dates.length === 1 && ofDay.length === 1) return [dates[0], ofDay[0]];
    const units = unitsOfDate(table, free, model), words = dates.length ? table.words(dates[0]) : [];
    if (dates.length === 1 && !others.length && units.length === 1 && hours.includes(layout.plainName(units[0]))) return words.some((word, row) => row && word === words[row - 1]) ? [dates[0], units[0]] : null;
    const whole = units.length > 2 && model.words.units_of_dates[2].includes(layout.plainName(units[2]));
    return whole && [...dates, ...others].every((name) => units.includes(name)) ? units : null;
  }

  function joined(columns, row) {
    const cells = columns.map((words) => words[row].replace(/\.0+$/, ""));
    if (cells.length === 2) {
      const date = cells[0].replace(MIDNIGHT, "").replace(/^(\d{4})(\d{2})(\d{2})$/, "$1-$2-$3");
      return `${date} ${cells[1].replace(/^(\d{1,2})$/, "$1:00").replace(/^(\d{1,2}:\d{2})$/, "$1:00")}`;
    }
    const [year, month, day, ...rest] = cells.map((cell) => cell.padStart(2, "0"));
    return `${year}-${month}-${day} ${[...rest, "00", "00", "00"].slice(0, 3).join(":")}`;
  }

  // The table with the clock in place of its parts, and the name of the clock; null if its clock is one column.
  function join(table, excluded, model) {
    const found = parts(table, table.names.filter((name) => !excluded.includes(name)), model), name = found && found.join(" ");
    if (!found || table.has(name)) return null;
    const columns = found.map((part) => table.words(part)), words = Array.from({ length: table.rows }, (_, row) => joined(columns, row));
    const names = [...table.names.filter((one) => !found.includes(one)), name], own = (read, clockCells) => (column) => column === name ? clockCells : read(column);
    const changed = { names, has: (column) => names.includes(column), words: own(table.words, words), numbers: own(table.numbers, words.map(() => undefined)), isNumeric: own(table.isNumeric, false) };
    return { table: { ...table, ...changed }, name, parts: found };
  }

  return { join };
})();
