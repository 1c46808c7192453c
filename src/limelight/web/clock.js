"use strict";
// Times of a table: numbers, dates in ISO form or with dots or slashes, and times of day, as numbers of seconds.
const clock = (() => {
  const DATE = /^(\d{1,4})([./-])(\d{1,2})\2(\d{1,4})(?:(?:\s+|T|,\s*)(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?(?:\s*([AaPp])\.?[Mm]\.?)?\s*(Z|[+-]\d{2}(?::?\d{2})?)?)?$/;
  const TIME_OF_DAY = /^(\d{1,2}):(\d{2}):(\d{2})(?:[.,](\d{1,9}))?$/;

  function offset(zone) {
    if (!zone || zone === "Z") return 0;
    const digits = zone.slice(1).replace(":", "");
    return (zone[0] === "-" ? -1 : 1) * (Number(digits.slice(0, 2)) * 3600 + Number(digits.slice(2) || 0) * 60);
  }

  const year = (text) => text.length === 4 ? Number(text) : Number(text) + (Number(text) >= 70 ? 1900 : 2000);

  // Seconds since 1970 of the parts of a date; NaN if there is no such day.
  function seconds(parts, dayFirst) {
    const [, first, , second, third, hour = "0", minute = "0", second60 = "0", fraction = "0", half, zone] = parts;
    const byYear = first.length === 4;
    const [y, month, day] = byYear ? [year(first), Number(second), Number(third)] : dayFirst ? [year(third), Number(second), Number(first)] : [year(third), Number(first), Number(second)];
    const hours = half ? Number(hour) % 12 + (/p/i.test(half) ? 12 : 0) : Number(hour), at = new Date(Date.UTC(y, month - 1, day));
    if (at.getUTCMonth() !== month - 1 || at.getUTCDate() !== day) return NaN;
    return at.getTime() / 1000 + hours * 3600 + Number(minute) * 60 + Number(second60) + Number(`0.${fraction}`) - offset(zone);
  }

  // Whether the day comes first in dates that do not begin with the year: as a number above 12, dots or AM and PM show.
  function dayComesFirst(found) {
    const open = found.filter((one) => one[1].length < 4);
    if (open.some((one) => Number(one[1]) > 12)) return true;
    if (open.some((one) => Number(one[3]) > 12)) return false;
    return !open.some((one) => one[9]);
  }

  // Of the cells of a column: { kind: "numbers" or "dates", times }; null if they are no times.
  function read(words, numbers) {
    if (numbers.every((one) => one !== undefined && Number.isFinite(one))) return { kind: "numbers", times: Float64Array.from(numbers) };
    const dates = words.map((word) => DATE.exec(word));
    if (dates.every(Boolean)) {
      const dayFirst = dayComesFirst(dates), times = Float64Array.from(dates, (parts) => seconds(parts, dayFirst));
      return times.some(Number.isNaN) ? null : { kind: "dates", times };
    }
    const days = words.map((word) => TIME_OF_DAY.exec(word));
    if (!days.every(Boolean)) return null;
    return { kind: "numbers", times: Float64Array.from(days, ([, h, m, s, f = "0"]) => Number(h) * 3600 + Number(m) * 60 + Number(s) + Number(`0.${f}`)) };
  }

  // Seconds since 1970 of one date of metadata, with the day first if it has dots; undefined if it is none.
  function date(word) {
    const parts = DATE.exec(word);
    if (!parts || (parts[1].length < 4 && parts[2] !== ".")) return undefined;
    const at = seconds(parts, true);
    return Number.isNaN(at) ? undefined : at;
  }

  return { read, date };
})();
