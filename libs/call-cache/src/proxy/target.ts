/** What of a service a request is for. Whatever the path says, it stays below the service's base URL. */
import { CallError } from '../call-error.js';
import type { Service } from '../services/service.js';

export interface Target {
  /** As it goes into the request line. */
  readonly line: string;
  /** Below the base URL, without the query. */
  readonly path: string;
}

const LONGEST = 16 * 1024;
/** More layers than anybody unpacks. */
const DEEPEST_ENCODING = 4;
const PLAIN = /^[\x21-\x7e]*$/;

/**
 * @param rest of the request's URL, behind the service's name: empty, or beginning with `/` or `?`
 * @throws CallError `bad_url`
 */
export function targetOf({ baseUrl }: Service, rest: string): Target {
  if (rest.length > LONGEST || !PLAIN.test(rest) || /[#\\]/.test(rest))
    throw refused('has characters that a URL has not');
  const queryAt = rest.indexOf('?');
  const path = queryAt < 0 ? rest : rest.slice(0, queryAt);
  const query = queryAt < 0 ? '' : rest.slice(queryAt);
  // `//host` reads as another host where somebody takes it for a URL.
  if (path.startsWith('//')) throw refused('begins with two slashes');
  checkSegments(path);
  const base = baseUrl.pathname.replace(/\/+$/, '');
  const whole = base + path;
  return { line: `${whole === '' ? '/' : whole}${joined(baseUrl.search, query)}`, path };
}

/** The path below the base URL that a `Location` or `Content-Location` of the service means; null: of somebody else. */
export function locatedBelow(service: Service, line: string, location: string): string | null {
  const { baseUrl } = service;
  const url = URL.parse(location, new URL(line, baseUrl.origin).href);
  if (url === null || url.origin !== baseUrl.origin) return null;
  return url.pathname + url.search;
}

/** Dots, also in the disguises that some server on the way takes off, would lead out of the base URL. */
function checkSegments(path: string): void {
  let text = path;
  for (let layer = 0; ; layer += 1) {
    // Only those of ASCII: unpacked byte by byte, most letters beyond it have bytes that are C1 controls by themselves.
    // eslint-disable-next-line no-control-regex -- control characters are what is looked for
    if (/[\u0000-\u001f\u007f]/.test(text)) throw refused('has encoded control characters');
    if (text.split(/[/\\]/).some((segment) => segment.replace(/;.*$/s, '') === '.' || /^\.\.(?:;|$)/.test(segment))) {
      throw refused('has segments of dots');
    }
    if (!text.includes('%')) return;
    if (layer === DEEPEST_ENCODING) throw refused('is encoded over and over');
    const next = decodedOnce(text);
    if (next === text) return;
    text = next;
  }
}

function decodedOnce(text: string): string {
  return text.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

function joined(own: string, asked: string): string {
  if (own === '' || own === '?') return asked;
  return asked === '' || asked === '?' ? own : `${own}&${asked.slice(1)}`;
}

function refused(why: string): CallError {
  return new CallError('bad_url', `The path behind the service's name ${why}.`);
}
