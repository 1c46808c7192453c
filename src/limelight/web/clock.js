"use strict";
// Times of a table: numbers, dates in ISO form, with dots or slashes or with the name of a month, and times of day, as
// numbers of seconds.
const clock = (() => {
  const DATE = /^(\d{1,4})([./-])(\d{1,2})\2(\d{1,4})(?:(?:\s+|T|,\s*)(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?(?:\s*([AaPp])\.?[Mm]\.?)?\s*(Z|UTC|GMT|(?:UTC|GMT)?[+-]\d{2}(?::?\d{2})?)?)?$/;
  const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
  const month = "(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\\.?";
  const weekday = "(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?\\.?,?\\s+)?", day = "(\\d{1,2})(?:st|nd|rd|th)?", between = "(?:\\s*[-/.,]\\s*|\\s+|\\s+of\\s+)";
  const time = "(\\d{1,2}:\\d{2}(?::\\d{2}(?:[.,]\\d{1,9})?)?(?:\\s*[ap]\\.?m\\.?)?)", zone = "(?:\\s*(Z|UTC|GMT|(?:UTC|GMT)?[+-]\\d{2}:?\\d{2}))?(?:\\s+\\([^)]*\\))?";
  const at = `(?:(?:,\\s*|\\s+|\\s+at\\s+)${time}${zone})?`, atOrColon = `(?:(?:,\\s*|\\s+|\\s+at\\s+|:|T)${time}${zone})?`, compact = "(\\d{4})(\\d{2})(\\d{2})";
  // Other dates, with the places of year, month, day and of the parts of the time; a year of two digits comes after the month.
  const FORMS = [
    [`${weekday}${day}${between}?${month}${between}?(\\d{4})${atOrColon}`, 3, 2, 1, [4], 5],
    [`${weekday}${day}${between}?${month}${between}?(\\d{2})${at}`, 3, 2, 1, [4], 5],
    [`${weekday}${month}${between}${day}${between}(\\d{4})${at}`, 3, 1, 2, [4], 5],
    [`(\\d{4})${between}?${month}${between}?${day}${at}`, 1, 2, 3, [4], 5],
    [`${weekday}${month}\\s+${day}\\s+${time}${zone}\\s+(\\d{4})`, 5, 1, 2, [3], 4],
    [`${compact}(?:T|\\s+)${time}${zone}`, 1, 2, 3, [4], 5],
    [`${compact}T(\\d{2})(\\d{2})${zone}`, 1, 2, 3, [4, 5], 6],
    [`${compact}T(\\d{2})(\\d{2})(\\d{2})${zone}`, 1, 2, 3, [4, 5, 6], 7],
    [`${month}${between}(\\d{4})`, 2, 1, 0, [], 0],
    [`(\\d{4})${between}${month}`, 1, 2, 0, [], 0],
    ["(\\d{4})(?:[-/]|[-/]?M)(\\d{2})", 1, 2, 0, [], 0],
    ["(\\d{1,2})[-/](\\d{4})", 2, 1, 0, [], 0],
  ].map(([pattern, ...places]) => [new RegExp(`^${pattern}$`, "i"), ...places]);
  const NAMED = 5, MONTHS_ALONE = 8;
  const TIME_OF_DAY = /^(?:(\d{1,6}) days?,?\s+)?(\d{1,4}):(\d{1,3}):(\d{2})(?:[.,](\d{1,9}))?(?:\s*([AaPp])\.?[Mm]\.?)?$/;
  const MINUTES = /^\d{1,3}:\d{2}[.,]\d{1,9}$/, TWO_NUMBERS = /^(\d{1,3}:\d{2}(?:[.,]\d{1,9})?)(\s*[AaPp]\.?[Mm]\.?)?$/;
  const HOUR_ALONE = /^(\d{4}-\d{2}-\d{2}[T ]\d{2})(Z|[+-]\d{2}(?::?\d{2})?)?$/, MONTH_ALONE = new RegExp(`^${month}$`, "i"), FURTHEST = 2 ** 63 / 1e9;
  const COMPACT = /^(19|20)\d{2}(0[1-9]|1[0-2])(\d{2}){1,4}$/;

  // A date of one of these forms in the order of ISO; any other word unchanged.
  function inOrderOfIso(word, forms = FORMS) {
    for (const [pattern, y, m, d, clock, offset] of forms) {
      const parts = pattern.exec(word);
      if (!parts) continue;
      const number = MONTHS.indexOf(parts[m].slice(0, 3).toLowerCase()) + 1 || parts[m];
      return `${year(parts[y])}-${number}-${d ? parts[d] : 1} ${clock.map((one) => parts[one] || "").join(":")}${parts[offset || Infinity] || ""}`.trim();
    }
    return word.replace(HOUR_ALONE, "$1:00$2");
  }

  function offset(zone) {
    zone = (zone || "").replace(/^(UTC|GMT)/, "");
    if (!zone || zone === "Z") return 0;
    const digits = zone.slice(1).replace(":", "");
    return (zone[0] === "-" ? -1 : 1) * (Number(digits.slice(0, 2)) * 3600 + Number(digits.slice(2) || 0) * 60);
  }

  const year = (text) => text.length === 4 ? Number(text) : Number(text) + (Number(text) >= 70 ? 1900 : 2000);

  // The hour from 0 to 23 of one beside AM or PM.
  const hourOfDay = (hour, half) => half ? Number(hour) % 12 + (/p/i.test(half) ? 12 : 0) : Number(hour);

  // Seconds since 1970 of the parts of a date; NaN if there is no such day or time.
  function seconds(parts, dayFirst) {
    const [, first, , second, third, hour = "0", minute = "0", second60 = "0", fraction = "0", half, zone] = parts;
    const byYear = first.length === 4;
    const [y, month, day] = byYear ? [year(first), Number(second), Number(third)] : dayFirst ? [year(third), Number(second), Number(first)] : [year(third), Number(first), Number(second)];
    const at = new Date(Date.UTC(y, month - 1, day));
    if (at.getUTCMonth() !== month - 1 || at.getUTCDate() !== day || Number(hour) > (half ? 12 : 23) || Number(minute) > 59 || Number(second60) > 59) return NaN;
    const found = at.getTime() / 1000 + hourOfDay(hour, half) * 3600 + Number(minute) * 60 + Number(second60) + Number(`0.${fraction}`) - offset(zone);
    return Math.abs(found) < FURTHEST ? found : NaN;
  }

  // The order of day and month that dates show, by a number above 12, by dots or by AM and PM; null if years come first.
  function orderOf(found) {
    const open = found.filter((one) => one[1].length < 4);
    if (!open.length) return null;
    if (open.some((one) => Number(one[1]) > 12)) return "day first";
    if (open.some((one) => Number(one[3]) > 12)) return "month first";
    if (found.every((one) => one[2] === ".")) return "day first";
    return found.some((one) => one[9]) ? "month first" : "undecided";
  }

  // Times of day and durations as seconds; two numbers are hours and minutes, or minutes and seconds if one has a fraction.
  function secondsOfDay(words) {
    const fraction = words.some((word) => MINUTES.test(word));
    const found = words.map((word) => TIME_OF_DAY.exec(word.replace(TWO_NUMBERS, fraction ? "0:$1$2" : "$1:00$2")));
    if (!found.every((parts) => parts && !(parts[6] && Number(parts[2]) > 12))) return null;
    return Float64Array.from(found, ([, d = "0", h, m, s, f = "0", half]) => Number(d) * 86400 + hourOfDay(h, half) * 3600 + Number(m) * 60 + Number(s) + Number(`0.${f}`));
  }

  // Whole numbers such as 20240131 or 20240131140500 as seconds since 1970; null unless every number is a date.
  function compactDates(numbers) {
    const words = numbers.map(String), digits = (words[0] || "").length;
    if (digits % 2 || !words.every((word) => word.length === digits && COMPACT.test(word))) return null;
    const times = Float64Array.from(words, (word) => {
      const [hour, minute, second] = [8, 10, 12].map((place) => Number(word.slice(place, place + 2)));
      const [y, month, day] = [word.slice(0, 4), word.slice(4, 6), word.slice(6, 8)].map(Number), at = new Date(Date.UTC(y, month - 1, day));
      return at.getUTCDate() !== day || hour > 23 || minute > 59 || second > 59 ? NaN : at.getTime() / 1000 + hour * 3600 + minute * 60 + second;
    });
    return times.some(Number.isNaN) ? null : times;
  }

  // Whether a word is a date with the name of a month, a month and its year, or such as 20240125T220500.
  const isForm = (word) => FORMS.some(([pattern]) => pattern.test(word));

  // Whether a word is a month and its year.
  const isMonth = (word) => FORMS.slice(MONTHS_ALONE).some(([pattern]) => pattern.test(word));

  // The number of a month by its English name; 0 for other words.
  const monthOf = (word) => MONTH_ALONE.test(word) ? MONTHS.indexOf(word.slice(0, 3).toLowerCase()) + 1 : 0;

  // Of the cells of a column: { kind: "numbers" or "dates", times, order }; null if they are not times. "order" is what
  // another file shows about day and month, which holds for dates that do not show it.
  function read(words, numbers, order = "day first") {
    if (numbers.every((one) => one !== undefined && Number.isFinite(one))) {
      const found = words.every((word) => /^\d+$/.test(word)) ? compactDates(numbers) : null;
      return found ? { kind: "dates", times: found } : { kind: "numbers", times: Float64Array.from(numbers) };
    }
    const dates = words.map((word) => DATE.exec(inOrderOfIso(word)));
    if (dates.every(Boolean)) {
      const own = orderOf(dates), dayFirst = (own === "undecided" ? order : own) === "day first", times = Float64Array.from(dates, (parts) => seconds(parts, dayFirst));
      return times.some(Number.isNaN) ? null : { kind: "dates", times, order: own };
    }
    const times = secondsOfDay(words);
    return times && { kind: "numbers", times };
  }

  // Seconds since 1970 of one date of metadata, with the day first if it has dots; undefined if it is none.
  function date(word) {
    const parts = DATE.exec(inOrderOfIso(word, FORMS.slice(0, NAMED)));
    if (!parts || (parts[1].length < 4 && parts[2] !== ".")) return undefined;
    const at = seconds(parts, true);
    return Number.isNaN(at) ? undefined : at;
  }

  return { read, date, isForm, isMonth, monthOf };
})();
