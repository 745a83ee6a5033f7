/** Numbers that a parser would round: what they say counts, digit by digit. */
import fc from 'fast-check';
import { identify } from '../request/answer-identity.js';
import { readBody } from '../request/request-body.js';
import { ENDPOINTS } from './endpoints.js';

const COMMON =
  '"model":"m","max_tokens":1,"messages":[{"role":"user","content":"x"}],"input":"x","prompt":"x"' as const;

function keyOf(endpoint: number, seed: string): string {
  const { protocol } = ENDPOINTS[endpoint] as (typeof ENDPOINTS)[number];
  const body = readBody(Buffer.from(`{${COMMON},"seed":${seed}}`));
  protocol.readRequest(body.value);
  const asking = { headers: {}, baseUrl: 'https://a.example/v1', namespace: '', tenant: 'acme', keyId: 'k1' };
  return identify({ ...asking, protocol, body, share: 'tenant' }).hash;
}

const endpoint = fc.nat(ENDPOINTS.length - 1);
/** Many of them so near to each other that doubles do not tell them apart. */
const integer = fc
  .tuple(fc.constantFrom(0n, 2n ** 53n, 2n ** 60n, 2n ** 64n, 10n ** 30n), fc.bigInt(-3n, 3n), fc.boolean())
  .map(([base, offset, negative]) => String(negative ? -(base + offset) : base + offset));
const decimal = fc
  .tuple(integer, fc.stringMatching(/^\d{1,20}$/), fc.constantFrom('', 'e0', 'e-5', 'e300'))
  .map(([whole, fraction, exponent]) => `${whole}.${fraction}${exponent}`);

it('trap 13: two integers share a key where they are equal, and nowhere else', () => {
  fc.assert(
    fc.property(endpoint, integer, integer, (at, one, other) => {
      expect(keyOf(at, one) === keyOf(at, other)).toBe(BigInt(one) === BigInt(other));
    }),
    { numRuns: 5000 },
  );
});

it('trap 13: two decimals share no key unless they are the same number', () => {
  /** Exact, as a whole number of 10^-400. */
  const exactly = (text: string): bigint => {
    const [, sign = '', whole = '', fraction = '', exponent = '0'] = /^(-?)(\d+)\.(\d+)(?:e(-?\d+))?$/.exec(text) ?? [];
    const size = BigInt(whole + fraction) * 10n ** BigInt(400 - fraction.length + Number(exponent));
    return sign === '-' ? -size : size;
  };
  fc.assert(
    fc.property(endpoint, decimal, decimal, (at, one, other) => {
      fc.pre(exactly(one) !== exactly(other));
      expect(keyOf(at, one)).not.toBe(keyOf(at, other));
    }),
    { numRuns: 5000 },
  );
});

it.each([
  [
    '/v1/chat/completions',
    { choices: [{ index: 0, message: { role: 'assistant', content: 'x' }, finish_reason: 'stop' }] },
  ],
  ['/v1/completions', { choices: [{ index: 0, text: 'x', finish_reason: 'stop' }] }],
  ['/v1/responses', { status: 'completed', output: [] }],
  ['/v1/messages', { type: 'message', content: [], stop_reason: 'end_turn', stop_sequence: null }],
])('trap 14: no stream is made of an answer of %s that a parser would round', (route, answer) => {
  const protocol = ENDPOINTS.find((one) => one.route === route)?.protocol;
  const saying = (seed: string): Buffer =>
    Buffer.from(JSON.stringify({ ...answer, seed: 0 }).replace(':0}', `:${seed}}`));
  expect(protocol?.synthesise(saying('9007199254740991'))).not.toBeNull();
  expect(protocol?.synthesise(saying('9007199254740993'))).toBeNull();
});
