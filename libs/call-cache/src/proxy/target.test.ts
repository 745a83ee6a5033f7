import fc from 'fast-check';
import { CallError } from '../call-error.js';
import type { Service } from '../services/service.js';
import { locatedBelow, targetOf } from './target.js';

const below = (baseUrl: string): Service => ({ baseUrl: new URL(baseUrl) }) as Service;
const API = below('https://api.example/v1/');

describe('where a request goes', () => {
  it.each([
    ['', '/v1'],
    ['/', '/v1/'],
    ['/a/b?c=d&e', '/v1/a/b?c=d&e'],
    ['?q', '/v1?q'],
    ['/group%2Fproject', '/v1/group%2Fproject'],
    ['/a//b', '/v1/a//b'],
    ['/a.b/..c/...', '/v1/a.b/..c/...'],
    ['/?u=http://x/../y', '/v1/?u=http://x/../y'],
    ['/ESPA%C3%91A/%E2%82%AC/%E6%97%A5', '/v1/ESPA%C3%91A/%E2%82%AC/%E6%97%A5'],
  ])('%s', (rest, line) => {
    expect(targetOf(API, rest).line).toBe(line);
  });

  it('keeps what the base URL asks', () => {
    expect(targetOf(below('https://api.example/?key=1'), '/a?b=2').line).toBe('/a?key=1&b=2');
    expect(targetOf(below('https://api.example'), '').line).toBe('/');
  });

  it.each([
    '//evil.example',
    '/..',
    '/a/../b',
    '/%2e%2e/a',
    '/%2E./a',
    '/a%2f..%2fb',
    '/a/..%5c..%5cb',
    '/%252e%252e/a',
    '/%25252525252e',
    '/..;x=y/a',
    '/a\\b',
    '/a%00',
    '/a%0d%0aX:1',
    '/a b',
    '/ñ',
    '/a#b',
    `/${'a'.repeat(20_000)}`,
  ])('trap 23: refuses %s', (rest) => {
    expect(() => targetOf(API, rest)).toThrow(CallError);
  });

  it('trap 23: whatever is asked, it stays below the base URL, also for a server that unpacks and resolves it', () => {
    const piece = fc.constantFrom(
      '/',
      '.',
      '..',
      '%2e',
      '%2E',
      '%2f',
      '%5c',
      '%25',
      '2e',
      'a',
      '?',
      ';',
      '//',
      '%252e',
    );
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 8 }).map((pieces) => `/${pieces.join('')}`),
        (rest) => {
          let line: string;
          try {
            ({ line } = targetOf(API, rest));
          } catch (error) {
            expect(error).toBeInstanceOf(CallError);
            return;
          }
          let [path = ''] = line.split('?');
          for (let layer = 0; layer < 4; layer += 1) {
            const url = new URL(path, 'https://api.example');
            expect(url.host).toBe('api.example');
            expect(`${url.pathname}/`).toMatch(/^\/v1\//);
            path = path.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) =>
              String.fromCharCode(Number.parseInt(hex, 16)),
            );
            if (/[?#]/.test(path)) return;
          }
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('a place that an answer names is one of the service, or nobody’s', () => {
    expect(locatedBelow(API, '/v1/a/b', 'c?d')).toBe('/v1/a/c?d');
    expect(locatedBelow(API, '/v1/a', 'https://api.example/v1/x')).toBe('/v1/x');
    expect(locatedBelow(API, '/v1/a', '//evil.example/v1/x')).toBeNull();
    expect(locatedBelow(API, '/v1/a', 'http://api.example/v1/x')).toBeNull();
    expect(locatedBelow(API, '/v1/a', 'http://[')).toBeNull();
  });
});
