/** How long an image stays what it is: as base64 for ever, behind an address for as long as its signature says. */
import type { JsonObject } from '../protocol.js';

/** OpenAI's addresses are good for an hour, and do not all say so. */
const ADDRESS_SECONDS = 3000;
/** Of a signature's time, what a reader has to fetch the image. */
const MARGIN_SECONDS = 300;
/** No answer is kept for less by default. */
const LONGEST_SECONDS = 86_400;

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/** Seconds, infinite for the image itself; 0 or less for what is no image, or not for long. */
export function lastsFor(image: JsonObject, nowMs: number): number {
  const { b64_json: base64, url } = image;
  if (base64 !== undefined && base64 !== null) return isBase64(base64) ? Number.POSITIVE_INFINITY : 0;
  if (typeof url !== 'string' || !URL.canParse(url)) return 0;
  const { protocol, searchParams } = new URL(url);
  if (protocol === 'data:') return Number.POSITIVE_INFINITY;
  if (protocol !== 'https:' && protocol !== 'http:') return 0;
  const endsMs = endOf(searchParams);
  if (endsMs === null) return ADDRESS_SECONDS;
  return Math.min(LONGEST_SECONDS, Math.floor((endsMs - nowMs) / 1000) - MARGIN_SECONDS);
}

export function isBase64(text: unknown): text is string {
  return typeof text === 'string' && text.length % 4 === 0 && BASE64.test(text);
}

/** Until when a signed address is good: Azure's `se`, or the time and date of Amazon's and Google's signatures. */
function endOf(query: URLSearchParams): number | null {
  const told = query.get('se');
  if (told !== null && !Number.isNaN(Date.parse(told))) return Date.parse(told);
  for (const signer of ['X-Amz', 'X-Goog']) {
    const signed = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(query.get(`${signer}-Date`) ?? '');
    const seconds = Number(query.get(`${signer}-Expires`) ?? Number.NaN);
    if (signed === null || Number.isNaN(seconds)) continue;
    const [, year, month, day, hour, minute, second] = signed;
    return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`) + seconds * 1000;
  }
  return null;
}
