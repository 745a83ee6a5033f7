/** The rules by their RFC's sections, each as the exchange or the look-up applies them. */
import { fitsIfRange, isNotModified } from './conditions.js';
import { endToEnd, Fields, type FieldLine } from './fields.js';
import { freshened } from './freshening.js';
import { initialAgeMs, lifetimeOf } from './freshness.js';
import { httpDate } from './http-date.js';
import { mayServeOnError, requestTermsOf, reuseOf } from './reuse.js';
import { objectionTo, storedFields } from './storing.js';
import { selectingValues, selectionOf, varyNames } from './variants.js';

const NOW = Date.UTC(2026, 0, 1);
const TEXT = new Date(NOW).toUTCString();
const LATER = new Date(NOW + 60_000).toUTCString();
const NO_TERMS = { ttlSeconds: 0, override: false };
const fields = (...lines: FieldLine[]): Fields => new Fields(lines);
const cc = (value: string, ...more: FieldLine[]): Fields => fields(['Cache-Control', value], ...more);

describe('lifetimes (RFC 9111 §4.2.1, §4.2.2)', () => {
  it.each<[string, number, Fields, typeof NO_TERMS, number, string]>([
    ['s-maxage comes first', 200, cc('max-age=5, s-maxage=9'), NO_TERMS, 9, 'explicit'],
    ['max-age before Expires', 200, cc('max-age=5', ['Expires', LATER]), NO_TERMS, 5, 'explicit'],
    ['Expires by Date', 200, fields(['Date', TEXT], ['Expires', LATER]), NO_TERMS, 60, 'explicit'],
    ['an Expires that is no date', 200, fields(['Expires', '0']), NO_TERMS, 0, 'explicit'],
    ['two that differ', 200, fields(['Expires', LATER], ['Expires', TEXT]), NO_TERMS, 0, 'explicit'],
    ['the service’s', 200, fields(), { ttlSeconds: 7, override: false }, 7, 'service'],
    ['not of a 404', 404, fields(), { ttlSeconds: 7, override: false }, 0, 'none'],
    ['the answer’s own wins', 200, cc('max-age=5'), { ttlSeconds: 7, override: false }, 5, 'explicit'],
    ['unless it is overridden', 200, cc('max-age=5'), { ttlSeconds: 7, override: true }, 7, 'override'],
    [
      'a tenth of how long it has stood',
      200,
      fields(['Date', LATER], ['Last-Modified', TEXT]),
      NO_TERMS,
      6,
      'heuristic',
    ],
    ['not of a 403', 403, fields(['Date', LATER], ['Last-Modified', TEXT]), NO_TERMS, 0, 'none'],
    ['unless it is public', 403, cc('public', ['Date', LATER], ['Last-Modified', TEXT]), NO_TERMS, 6, 'heuristic'],
  ])('%s', (_what, status, given, terms, seconds, source) => {
    expect(lifetimeOf(status, given, terms, NOW)).toEqual({ seconds, source });
  });
});

it.each<[FieldLine[], number]>([
  [[], 2],
  [[['Age', '10']], 12],
  [
    [
      ['Date', new Date(NOW - 30_000).toUTCString()],
      ['Age', '10'],
    ],
    30,
  ],
  [[['Age', 'old']], Number.POSITIVE_INFINITY],
  [[['Age', '1, 2']], Number.POSITIVE_INFINITY],
  [
    [
      ['Age', '1'],
      ['Age', '1'],
    ],
    Number.POSITIVE_INFINITY,
  ],
])('the age of %j when it comes is %d s (§4.2.3)', (lines, seconds) => {
  expect(initialAgeMs(fields(...lines), { requestedAtMs: NOW - 2000, receivedAtMs: NOW })).toBe(seconds * 1000);
});

describe('what may be kept (§3)', () => {
  const objection = (
    given: Fields,
    { status = 200, request = fields(), noStore = false, ttlSeconds = 0, part = false } = {},
  ) => {
    const lifetime = lifetimeOf(status, given, { ttlSeconds, override: false }, NOW);
    return objectionTo({
      status,
      fields: given,
      lifetime,
      request: { fields: request, noStore },
      receivedAtMs: NOW,
      part,
    });
  };
  const AUTHORIZED = fields(['Authorization', 'x']);
  const COOKIE = fields(['Cookie', 'x']);

  it.each<[string, string | null, Parameters<typeof objection>]>([
    ['a lifetime', null, [cc('max-age=5')]],
    ['a lifetime of any status', null, [cc('max-age=5'), { status: 599 }]],
    ['a validator', null, [cc('no-cache', ['ETag', '"1"'])]],
    ['the service’s lifetime', null, [fields(), { ttlSeconds: 5 }]],
    ['the request’s no-store', 'request-no-store', [cc('max-age=5'), { noStore: true }]],
    ['no-store', 'no-store', [cc('max-age=5, no-store')]],
    ['no-store that gives way', null, [cc('max-age=5, no-store, must-understand')]],
    ['what must be understood and is not', 'must-understand', [cc('max-age=5, must-understand'), { status: 599 }]],
    ['private', 'private', [cc('private, max-age=5')]],
    ['a private field', null, [cc('private="x", max-age=5')]],
    ['credentials', 'authorization', [cc('max-age=5'), { request: AUTHORIZED }]],
    ['credentials and public', null, [cc('public, max-age=5'), { request: AUTHORIZED }]],
    ['credentials and s-maxage', null, [cc('s-maxage=5'), { request: AUTHORIZED }]],
    ['Vary: *', 'vary-everything', [cc('max-age=5', ['Vary', 'a, *'])]],
    ['a cookie that is set, with a lifetime', null, [cc('max-age=5', ['Set-Cookie', 'x'])]],
    ['a cookie that is set, without', 'set-cookie', [fields(['Set-Cookie', 'x']), { ttlSeconds: 5 }]],
    ['a cookie that was sent, without', 'cookie', [fields(), { request: COOKIE, ttlSeconds: 5 }]],
    ['part of what was asked for whole', 'partial', [cc('max-age=5'), { status: 206 }]],
    ['the part that was asked for', null, [cc('max-age=5'), { status: 206, part: true }]],
    ['the whole, where a part was asked for', 'partial', [cc('max-age=5'), { part: true }]],
    ['neither fresh nor to be validated', 'of-no-use', [cc('max-age=0')]],
    ['nothing said', 'of-no-use', [fields()]],
    ['nothing said of a 403', 'not-cacheable', [fields(['Last-Modified', TEXT]), { status: 403 }]],
  ])('%s: %p', (_what, expected, given) => {
    expect(objection(...given)).toBe(expected);
  });

  it('no cookie, no age, nothing between neighbours, no field that is held back (§3.1)', () => {
    const given = cc(
      'no-cache="b", max-age=5',
      ['Set-Cookie', 'x'],
      ['Age', '1'],
      ['Connection', 'a'],
      ['a', '1'],
      ['b', '1'],
      ['c', '1'],
    );
    expect(storedFields(given).lines).toEqual([
      ['Cache-Control', 'no-cache="b", max-age=5'],
      ['c', '1'],
    ]);
    expect(endToEnd(fields(['Transfer-Encoding', 'chunked'], ['X', '1'])).lines).toEqual([['X', '1']]);
  });
});

describe('what may be served (§4)', () => {
  const kept = (control: string, ageSeconds: number, overridden = false) => ({
    fields: cc(control),
    lifetimeSeconds: 10,
    overridden,
    ageSeconds,
  });
  const asking = (control: string) => requestTermsOf(cc(control));

  it.each<[string, string, number, string, string]>([
    ['fresh', 'max-age=10', 5, '', 'fresh'],
    ['stale', 'max-age=10', 10, '', 'validate'],
    ['no-cache', 'no-cache', 5, '', 'validate'],
    ['no-cache for a field', 'no-cache="x"', 5, '', 'fresh'],
    ['the request’s no-cache', 'max-age=10', 5, 'no-cache', 'validate'],
    ['its max-age', 'max-age=10', 5, 'max-age=4', 'validate'],
    ['its min-fresh', 'max-age=10', 5, 'min-fresh=6', 'validate'],
    ['its max-stale', 'max-age=10', 15, 'max-stale=5', 'stale'],
    ['too stale for that', 'max-age=10', 16, 'max-stale=5', 'validate'],
    ['however stale', 'max-age=10', 16, 'max-stale', 'stale'],
    ['must-revalidate against it', 'must-revalidate', 15, 'max-stale', 'validate'],
    ['s-maxage against it', 's-maxage=10', 15, 'max-stale', 'validate'],
    ['stale-while-revalidate', 'stale-while-revalidate=6', 15, '', 'revalidating'],
    ['past it', 'stale-while-revalidate=5', 15, '', 'validate'],
    ['narrowed by the request', 'stale-while-revalidate=60', 15, 'stale-while-revalidate=1', 'validate'],
  ])('%s', (_what, control, age, request, expected) => {
    expect(reuseOf(kept(control, age), asking(request))).toBe(expected);
  });

  it('an operator’s lifetime wins over what the answer says', () => {
    expect(reuseOf(kept('no-cache, must-revalidate', 5, true), asking(''))).toBe('fresh');
  });

  it.each<[string, string, string, number, boolean]>([
    ['as the service is set', '', '', 20, true],
    ['not for ever', '', '', 400, false],
    ['as the answer says', 'stale-if-error=5', '', 16, false],
    ['as the request says', 'stale-if-error=5', 'stale-if-error=60', 16, true],
    ['never when it must be validated', 'must-revalidate', 'stale-if-error=60', 16, false],
    ['never when proxies must', 'proxy-revalidate', '', 16, false],
  ])('on an error: %s', (_what, control, request, age, expected) => {
    expect(mayServeOnError(kept(control, age), asking(request), 300)).toBe(expected);
  });
});

describe('variants (§4.1)', () => {
  it('are told apart by what is meant, not by how it is written', () => {
    const says = (name: string, ...values: string[]) =>
      selectingValues(fields(...values.map((v): FieldLine => [name, v])), [name.toLowerCase()]);
    expect(says('Accept-Language', 'EN;q=0.5 , de')).toEqual(says('accept-language', 'de', 'en; Q=0.5'));
    expect(says('Accept', 'Text/HTML; Level=A')).toEqual(says('Accept', 'text/html;level=A'));
    expect(says('Accept', 'a/b;profile="X"')).not.toEqual(says('Accept', 'a/b;profile="x"'));
    expect(says('X', '1,2')).toEqual(says('X', ' 1', '2 '));
    expect(says('X', 'a')).not.toEqual(says('X', 'A'));
    expect(says('X', '"a, b"')).not.toEqual(says('X', '"a,b"'));
    expect(selectingValues(fields(), ['x'])).not.toEqual(says('X', ''));
    expect(says('X', '"\\')).not.toEqual(says('X', ''));
    says('X', '"\\'.repeat(8000));
    expect([varyNames(fields(['Vary', 'b, A'], ['Vary', 'a'])), varyNames(fields(['Vary', 'a, *']))]).toEqual([
      ['a', 'b'],
      null,
    ]);
  });
});

describe('validation (§4.3, RFC 9110 §13)', () => {
  const stored = fields(['ETag', 'W/"1"'], ['Last-Modified', TEXT]);

  it.each<[string, FieldLine[], boolean]>([
    ['one of several', [['If-None-Match', '"0", "1"']], true],
    ['any', [['If-None-Match', '*']], true],
    [
      'another',
      [
        ['If-None-Match', '"2"'],
        ['If-Modified-Since', LATER],
      ],
      false,
    ],
    ['the same time', [['If-Modified-Since', TEXT]], true],
    ['an older one', [['If-Modified-Since', new Date(NOW - 1000).toUTCString()]], false],
    ['no date', [['If-Modified-Since', 'yesterday']], false],
    ['nothing', [], false],
  ])('the caller has %s', (_what, lines, expected) => {
    expect(isNotModified(fields(...lines), stored, NOW)).toBe(expected);
  });

  it('a weak validator does not vouch for a range', () => {
    expect(fitsIfRange(fields(['If-Range', 'W/"1"']), stored, NOW)).toBe(false);
    expect(fitsIfRange(fields(['If-Range', '"1"']), fields(['ETag', '"1"']), NOW)).toBe(true);
    const dated = (ms: number) => stored.with(['Date', new Date(NOW + ms).toUTCString()]);
    expect(fitsIfRange(fields(['If-Range', TEXT]), dated(1000), NOW)).toBe(true);
    // It may have changed once more in the same second (RFC 9110 §8.8.2.2).
    expect(fitsIfRange(fields(['If-Range', TEXT]), dated(0), NOW)).toBe(false);
  });

  it('a 304 changes what it says, but nothing about the bytes (§3.2)', () => {
    const before = fields(['ETag', '"1"'], ['Content-Length', '5'], ['A', '1'], ['B', '1']);
    const after = freshened(
      before,
      fields(['ETag', '"1"'], ['Content-Length', '0'], ['A', '2'], ['Set-Cookie', 'x'], ['Connection', 'close']),
    );
    expect(after.lines).toEqual([
      ['ETag', '"1"'],
      ['Content-Length', '5'],
      ['B', '1'],
      ['A', '2'],
    ]);
  });
});

it('a field that a 304, or what is stored, holds back is held back of both (§5.2.2.4, §5.2.2.7)', () => {
  const news = fields(['A', '2'], ['Cache-Control', 'private="b", max-age=5']);
  expect(freshened(cc('max-age=5', ['B', '1']), news).lines).toEqual(news.lines);
  expect(freshened(cc('private="a", max-age=5'), fields(['A', '2'])).has('a')).toBe(false);
});

it.each([
  ['Sun, 06 Nov 1994 08:49:37 GMT', Date.UTC(1994, 10, 6, 8, 49, 37)],
  ['Sunday, 06-Nov-94 08:49:37 GMT', Date.UTC(1994, 10, 6, 8, 49, 37)],
  ['Sun Nov  6 08:49:37 1994', Date.UTC(1994, 10, 6, 8, 49, 37)],
  ['Thursday, 18-Aug-50 02:01:18 GMT', Date.UTC(2050, 7, 18, 2, 1, 18)],
  ['Sun, 31 Feb 2026 00:00:00 GMT', null],
  ['Sun, 06 Nov 1994 08:49:37 UTC', null],
  ['0', null],
  ['', null],
])('the HTTP date %p (RFC 9110 §5.6.7)', (text, ms) => {
  expect(httpDate(text, NOW)).toBe(ms);
});

it('trap 7: what is kept of credentials to compare them does not show them', () => {
  const kept = selectionOf(fields(['Authorization', 'Bearer secret'], ['Cookie', 'sid=secret']), [
    'authorization',
    'cookie',
    'x',
  ]);
  expect(JSON.stringify(kept)).not.toContain('secret');
  expect(kept).toEqual([expect.any(String), expect.any(String), null]);
  expect(selectionOf(fields(['Authorization', 'Bearer other']), ['authorization'])).not.toEqual([kept[0]]);
});
