/** RFC 9110 §5.6.7: a date in the form that is sent and the two obsolete ones that are still to be read. */
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const TIME = String.raw`(\d\d):(\d\d):(\d\d)`;
const IMF_FIXDATE = new RegExp(String.raw`^[a-z]{3}, (\d\d) ([a-z]{3}) (\d{4}) ${TIME} gmt$`);
const RFC_850 = new RegExp(String.raw`^[a-z]{6,9}, (\d\d)-([a-z]{3})-(\d\d) ${TIME} gmt$`);
const ASCTIME = new RegExp(String.raw`^[a-z]{3} ([a-z]{3}) ([ \d]\d) ${TIME} (\d{4})$`);
const LONGEST = 40;
const HALF_A_CENTURY = 50;

/** Milliseconds since the epoch; null for what is no HTTP date. */
export function httpDate(text: string | null, nowMs: number): number | null {
  if (text === null || text.length > LONGEST) return null;
  const lower = text.trim().toLowerCase();
  let match = IMF_FIXDATE.exec(lower);
  if (match !== null) return moment(match[3], match[2], match[1], match.slice(4));
  match = RFC_850.exec(lower);
  if (match !== null) return moment(String(fullYear(Number(match[3]), nowMs)), match[2], match[1], match.slice(4));
  match = ASCTIME.exec(lower);
  return match === null ? null : moment(match[6], match[1], match[2], match.slice(3, 6));
}

export function httpDateText(ms: number): string {
  return new Date(ms).toUTCString();
}

/** Of two digits: what seems more than 50 years ahead lies in the past. */
function fullYear(twoDigits: number, nowMs: number): number {
  const thisYear = new Date(nowMs).getUTCFullYear();
  const year = thisYear - (thisYear % 100) + twoDigits;
  return year > thisYear + HALF_A_CENTURY ? year - 100 : year;
}

function moment(
  year: string | undefined,
  month: string | undefined,
  day: string | undefined,
  time: readonly string[],
): number | null {
  const monthAt = MONTHS.indexOf(month ?? '');
  const [hours = 0, minutes = 0, seconds = 0] = time.map(Number);
  if (monthAt < 0 || hours > 23 || minutes > 59 || seconds > 60) return null;
  const ms = Date.UTC(Number(year), monthAt, Number(day), hours, minutes, seconds);
  return new Date(ms).getUTCMonth() === monthAt ? ms : null;
}
