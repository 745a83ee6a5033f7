/**
 * The keys of a hundred thousand requests to all endpoints, against an account of what they say that shares no code with
 * the identity: no two that ask for different things share a key, and no two that ask for the same have different ones.
 */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { LlmError } from '../protocol/llm-error.js';
import { DEFAULT_POLICY } from '../request/policy.js';
import { KnownRequests } from '../request/known-requests.js';
import { ENDPOINTS } from './endpoints.js';
import { inquire } from './inquiry.js';

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
type Body = Readonly<Record<string, Json>>;

interface Request {
  readonly endpoint: number;
  readonly body: Body;
  readonly tenant: string;
  readonly keyId: string;
  readonly namespace: string;
  readonly organization: string;
  readonly upstream: string;
}

/** How the same is written: in which order, with which spaces and escapes, and in which form it is to be answered. */
interface Spelling {
  readonly turn: number;
  readonly indent: number;
  readonly escaped: boolean;
  readonly form: Body;
}

const SHARES = { 'shared-by-key': 'key', 'shared-by-all': 'all', 'gpt-4o': 'tenant', 'GPT-4o': 'tenant' } as const;
const MODELS = Object.keys(SHARES) as (keyof typeof SHARES)[];

/** Their stream says what their JSON does not. */
const FORM_COUNTS: ReadonlySet<string> = new Set(['/v1/images/generations']);

const requests = new KnownRequests();

/** Null where the endpoint does not take such a request. */
function keyOf(
  { endpoint, body, tenant, keyId, namespace, organization, upstream }: Request,
  spelling: Spelling,
): string | null {
  const { route, protocol } = ENDPOINTS[endpoint] as (typeof ENDPOINTS)[number];
  const bytes = Buffer.from(spelled({ ...body, ...spelling.form }, spelling));
  const headers = {
    'x-cache-namespace': namespace,
    authorization: keyId,
    ...(organization === '' ? {} : { 'openai-organization': organization }),
  };
  const caller = { tenant, keyId, client: keyId, userId: null, clienteId: null, campanaId: null, segmento: null };
  const target = { provider: 'openai', baseUrl: upstream, apiKey: null, simulated: true };
  const arriving = { protocol, route, bytes, headers, caller, requestId: '' };
  const circumstances = {
    upstreams: { targetFor: () => target },
    policies: {
      choose: ({ model }: { readonly model: string }) => ({
        ...DEFAULT_POLICY,
        share: SHARES[model as keyof typeof SHARES],
      }),
    },
    requests,
  };
  try {
    const { read, hash } = inquire(arriving, circumstances);
    if (spelling.turn % 2 === 0) requests.remember(read);
    return hash;
  } catch (error) {
    if (error instanceof LlmError && error.status === 400) return null;
    throw error;
  }
}

/** What a request asks, as a text that is equal for two exactly where they ask for the same. */
function meaningOf(
  { endpoint, body, tenant, keyId, namespace, organization, upstream }: Request,
  { form }: Spelling,
): string {
  const share = SHARES[body['model'] as keyof typeof SHARES];
  const whose = { tenant: [tenant], key: [tenant, keyId], all: [] }[share];
  const asked = FORM_COUNTS.has(ENDPOINTS[endpoint]?.route ?? '') ? { ...body, ...form } : body;
  const said = JSON.stringify([endpoint, share, whose, namespace, organization, upstream]) + meaningIn(asked);
  return createHash('sha256').update(said).digest('base64');
}

function meaningIn(value: Json): string {
  if (typeof value === 'number') return `number ${value === 0 ? 0 : value}`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (isList(value)) return `list of ${value.length}: ${value.map(meaningIn).join(';')} end`;
  const members = Object.entries(value).map(([name, member]) => `${JSON.stringify(name)} is ${meaningIn(member)}`);
  return `object of ${members.length}: ${members.toSorted().join(';')} end`;
}

function spelled(value: Json, spelling: Spelling, depth = 0): string {
  if (typeof value === 'string') return text(value, spelling);
  if (typeof value === 'number' && spelling.escaped && Number.isFinite(value)) return value.toExponential();
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const gap = spelling.indent === 0 ? '' : `\n${' '.repeat(spelling.indent * (depth + 1))}`;
  if (isList(value)) return `[${value.map((item) => gap + spelled(item, spelling, depth + 1)).join(',')}]`;
  const members = Object.entries(value);
  const turned = [...members.slice(spelling.turn % (members.length || 1)), ...members].slice(0, members.length);
  if (spelling.turn % 3 === 0) turned.reverse();
  const said = turned.map(
    ([name, member]) =>
      `${gap}${text(name, spelling)}${gap === '' ? ':' : ' : '}${spelled(member, spelling, depth + 1)}`,
  );
  return `{${said.join(',')}}`;
}

function text(value: string, { escaped }: Spelling): string {
  if (!escaped) return JSON.stringify(value);
  const units = Array.from({ length: value.length }, (_, at) => value.charCodeAt(at).toString(16).padStart(4, '0'));
  return `"${units.map((unit) => `\\u${unit}`).join('')}"`;
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

/** Texts that are nearly the same, so that whatever folds, trims or joins them shows. */
const words = fc.constantFrom(
  '',
  'a',
  'A',
  'a ',
  'ab',
  'b',
  '\u00e1',
  'a\u0301',
  '0',
  'null',
  '|',
  '1:a',
  'Enable 2FA',
  'enable 2FA',
);
const scalar = fc.oneof(
  words,
  fc.string({ unit: 'binary', maxLength: 6 }),
  fc.constantFrom(0, 1, -1, 0.5, 1e21, true, false, null),
);
const value: fc.Arbitrary<Json> = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    scalar,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'b', 'type', 'role', 'content', 'stream', '0'), tie('value'), { maxKeys: 3 }),
  ),
})).value;
const members = ['temperature', 'seed', 'n', 'tools', 'response_format', 'user', 'metadata', 'vendor', 'store', 'echo'];
const known: fc.Arbitrary<Body> = fc.record({
  model: fc.constantFrom(...MODELS),
  max_tokens: fc.constantFrom(1, 2),
  messages: fc.array(fc.record({ role: fc.constantFrom('user', 'system'), content: value }), {
    minLength: 1,
    maxLength: 2,
  }),
  input: fc.oneof(
    words,
    fc.array(fc.dictionary(fc.constantFrom('role', 'content'), value, { maxKeys: 2 }), { maxLength: 2 }),
  ),
  prompt: fc.oneof(words, fc.array(words, { minLength: 1, maxLength: 2 })),
});
const request: fc.Arbitrary<Request> = fc.record({
  endpoint: fc.nat(ENDPOINTS.length - 1),
  body: fc
    .tuple(known, fc.dictionary(fc.constantFrom(...members), value, { maxKeys: 4 }))
    .map(([own, more]) => ({ ...own, ...more })),
  tenant: fc.constantFrom('acme', 'acme ', 'globex'),
  keyId: fc.constantFrom('k1', 'k2'),
  namespace: fc.constantFrom('', 'n', 'm'),
  organization: fc.constantFrom('', 'o', 'p'),
  upstream: fc.constantFrom('https://a.example/v1', 'https://b.example/v1'),
});
const change: fc.Arbitrary<(of: Request) => Request> = fc.oneof(
  { weight: 3, arbitrary: fc.constant((of: Request) => of) },
  {
    weight: 6,
    arbitrary: fc
      .tuple(fc.constantFrom(...members), value)
      .map(([name, to]) => (of: Request) => ({ ...of, body: { ...of.body, [name]: to } })),
  },
  { weight: 2, arbitrary: known.map((other) => (of: Request) => ({ ...of, body: { ...of.body, ...other } })) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(...members).map((name) => (of: Request) => ({
      ...of,
      body: Object.fromEntries(Object.entries(of.body).filter(([one]) => one !== name)),
    })),
  },
  { weight: 3, arbitrary: request.map((other) => (of: Request) => ({ ...other, body: of.body })) },
);
const FORMS: readonly Body[] = [{}, { stream: true }, { stream: false }, { stream: null }];
const spelling: fc.Arbitrary<Spelling> = fc.record({
  turn: fc.nat(11),
  indent: fc.nat(2),
  escaped: fc.boolean(),
  form: fc.constantFrom(...FORMS),
});

const RUNS = 2000;
/** More than are wanted: some of those changed are no requests that an endpoint takes. */
const CHANGES = 60;
const WANTED = 100_000;

it('trap 13, trap 17: of 100,000 pairs of requests, those have one key that ask for the same of the same, and no others', () => {
  const keys = new Map<string, string>();
  const meanings = new Map<string, string>();
  let pairs = 0;
  let equal = 0;
  const taken = ENDPOINTS.map(() => 0);
  const check = (asked: Request, how: Spelling): string | null => {
    const [key, meaning] = [keyOf(asked, how), meaningOf(asked, how)];
    if (key === null) return null;
    taken[asked.endpoint] = (taken[asked.endpoint] ?? 0) + 1;
    const [given, told] = [keys.get(meaning) ?? key, meanings.get(key) ?? meaning];
    // Said only where it fails: two hundred thousand expectations would take longer than all else.
    if (given !== key || told !== meaning) expect([asked, given, told]).toEqual([asked, key, meaning]);
    keys.set(meaning, key);
    meanings.set(key, meaning);
    return key;
  };
  fc.assert(
    fc.property(
      request,
      spelling,
      fc.array(fc.tuple(change, spelling), { minLength: CHANGES, maxLength: CHANGES }),
      (first, how, changes) => {
        const key = check(first, how);
        fc.pre(key !== null);
        for (const [changed, spelledSo] of changes) {
          const other = check(changed(first), spelledSo);
          if (other !== null) pairs += 1;
          if (other === key) equal += 1;
        }
      },
    ),
    { numRuns: RUNS },
  );
  expect(pairs).toBeGreaterThanOrEqual(WANTED);
  expect(Math.min(...taken)).toBeGreaterThan(1000);
  // Neither claim is about nothing.
  expect(equal).toBeGreaterThan(pairs / 10);
  expect(keys.size).toBeGreaterThan(pairs / 4);
}, 180_000);

it('trap 13: usage that is asked for is a matter of form where the endpoint’s streams may leave it out', () => {
  const asked = { tenant: 'acme', keyId: 'k', namespace: '', organization: '', upstream: 'https://a.example/v1' };
  const plain = { turn: 0, indent: 0, escaped: false, form: {} };
  const body = { model: 'gpt-4o', max_tokens: 1, messages: [{ role: 'user', content: 'x' }], input: 'x', prompt: 'x' };
  const same = ENDPOINTS.map(({ protocol }, endpoint) => {
    const key = keyOf({ ...asked, endpoint, body }, plain);
    const streamed = { ...plain, form: { stream: true, stream_options: { include_usage: true } } };
    return [protocol.id, keyOf({ ...asked, endpoint, body }, streamed) === key];
  });
  expect(Object.fromEntries(same)).toMatchObject({
    'openai.chat.completions': true,
    'openai.completions': true,
    'openai.responses': false,
  });
});
