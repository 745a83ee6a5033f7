import fc from 'fast-check';
import { ServiceError } from './service-error.js';
import { checkService, serviceIn, serviceOf } from './service-body.js';
import { PathPattern } from './service.js';

const understood = (sent: object) => serviceOf({ name: 'crm', body: serviceIn(sent, 'crm'), space: 's' }, 3600);
const BASE = { base_url: 'https://api.example.com/v1' };

describe('a service as it is sent', () => {
  it('has its defaults', () => {
    expect(understood(BASE)).toMatchObject({
      ttl: 3600,
      headers: [],
      forwardAuthorization: false,
      privateAddresses: false,
      rateLimit: null,
      breaker: null,
    });
    expect(understood({ base_url: 'http://10.0.0.1' }).privateAddresses).toBe(true);
  });

  it('holds no secret where it is shown as it is', () => {
    const checked = (base_url: string) => () => checkService(serviceIn({ base_url }, 'crm'));
    expect(checked('https://api.example.com/v1?api_key=s3cr3t')).toThrow(/^base_url: (?!.*s3cr3t).*api_key/);
    expect(checked('https://user:s3cr3t@api.example.com/')).toThrow(/^base_url: (?!.*s3cr3t)/);
    expect(checked('https://api.example.com/v1?region=eu')).not.toThrow();
  });

  it.each([
    ['t', ['Authorization', 'Bearer t']],
    [{ bearer: 't' }, ['Authorization', 'Bearer t']],
    [{ username: 'u', password: 'p' }, ['Authorization', 'Basic dTpw']],
    [{ header: 'X-Key', value: 'v' }, ['X-Key', 'v']],
  ])('credentials %j become a field', (credentials, field) => {
    expect(understood({ ...BASE, credentials, headers: { 'x-key': 'other' } }).headers).toContainEqual(field);
  });

  it.each([
    ['500/minuto', { requests: 500, windowSeconds: 60 }],
    ['2 / horas', { requests: 2, windowSeconds: 3600 }],
    [
      { limit: 3, window_seconds: 7 },
      { requests: 3, windowSeconds: 7 },
    ],
  ])('the rate %j', (rate, expected) => {
    expect(understood({ ...BASE, rate_limit: rate }).rateLimit).toEqual(expected);
  });

  it('a member that is null is left out, and an answer of ours may come back', () => {
    expect(serviceIn({ ...BASE, name: 'crm', created_at: 'x', ttl: null }, 'crm')).toEqual(BASE);
    expect(() => serviceIn({ ...BASE, name: 'other' }, 'crm')).toThrow(ServiceError);
  });

  it('tells of every member that cannot be taken, one line for each place, in its own words', () => {
    const sent = {
      zzz: 1,
      base_url: 'ftp://x',
      headers: { a: 1, b: 'x' },
      credentials: { bearer: 1 },
      ttl: -1,
      ttl_rules: [
        { path: '/a', ttl: 1 },
        { path: 'b', ttl: 1, odd: 1 },
      ],
      rate_limit: 'often',
      concurrency: 0,
      breaker: { zzz: 1 },
    };
    const errorsOf = (body: object): ServiceError['errors'] => {
      try {
        serviceIn(body, 'crm');
      } catch (error) {
        return (error as ServiceError).errors;
      }
      return [];
    };
    const errors = errorsOf(sent) ?? [];
    expect(errors.map(({ path }) => path).toSorted()).toEqual([
      'base_url',
      'breaker.zzz',
      'concurrency',
      'credentials',
      'headers.a',
      'rate_limit',
      'ttl',
      'ttl_rules[1].odd',
      'ttl_rules[1].path',
      'zzz',
    ]);
    for (const { message } of errors) expect(message).toMatch(/^(must be |is not known here; there are base_url, )/);
    expect(errorsOf({ rate_limit: { limit: 0 } })?.map(({ path }) => path)).toEqual(['base_url', 'rate_limit']);
  });

  it.each(['', '.', 'a/b', 'a b', 'ñ', 'x'.repeat(101)])('%p is no name', (name) => {
    expect(() => serviceIn(BASE, name)).toThrow(ServiceError);
  });

  it('trap 23: no field of it can become two, or frame a request', () => {
    const faults = (headers: Record<string, string>): readonly string[] => {
      try {
        checkService({ ...BASE, headers });
        return [];
      } catch (error) {
        return (error as ServiceError).errors?.map(({ path }) => path) ?? [];
      }
    };
    expect(faults({ a: '1\r\nb: 2', host: 'x', 'Content-Length': '1', 'c d': '1', ok: '1' })).toEqual([
      'headers.a',
      'headers.host',
      'headers.Content-Length',
      'headers.c d',
    ]);
  });
});

it('a path pattern matches as the regular expression would that it stands for', () => {
  const text = fc.array(fc.constantFrom('a', 'b', '/', '*'), { maxLength: 8 }).map((parts) => `/${parts.join('')}`);
  const path = fc.array(fc.constantFrom('a', 'b', '/'), { maxLength: 8 }).map((parts) => `/${parts.join('')}`);
  fc.assert(
    fc.property(text, path, (pattern, asked) => {
      expect(new PathPattern(pattern).matches(asked)).toBe(
        new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(asked),
      );
    }),
    { numRuns: 2000 },
  );
});
