import * as fc from 'fast-check';
import { parseBody, type JsonValue } from './parsed-body.js';
import { requestIdentity, type RequestParts } from './request-identity.js';

const OMIT = [['stream'], ['stream_options', 'include_usage']];

function identity(body: string | JsonValue, other: Partial<Omit<RequestParts, 'body'>> = {}): string {
  return requestIdentity({
    version: 1,
    tenant: 'acme',
    scope: 'tenant',
    namespace: '',
    upstream: 'https://api.openai.com/v1',
    operation: 'POST /v1/chat/completions',
    headers: {},
    omit: OMIT,
    ...other,
    body: parseBody(Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))),
  });
}

const chat = {
  model: 'gpt-4o',
  messages: [
    { role: 'system', content: 'You write.' },
    { role: 'user', content: 'Hola' },
  ],
  temperature: 0.2,
};

/** The same value with the properties of every object in another order. */
function reordered(value: JsonValue): JsonValue {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return (value as readonly JsonValue[]).map(reordered);
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([name, content]) => [name, reordered(content)]),
  );
}

const anyString = fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units));
const exact = (value: unknown) => parseBody(Buffer.from(JSON.stringify(value))).faithful;
const object = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 }), { maxKeys: 6 }).filter(exact);
const anyValue = (fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<JsonValue>).filter(exact);

describe('trap 13: a key that ignores what matters, or depends on what does not', () => {
  it('does not depend on the order of properties or on white space', () => {
    expect(identity(reordered(chat))).toBe(identity(chat));
    expect(identity(JSON.stringify(chat, null, 4))).toBe(identity(chat));
    fc.assert(
      fc.property(object, (body) => {
        expect(identity(reordered(body as JsonValue))).toBe(identity(body as JsonValue));
      }),
    );
  });

  it.each([
    ['tools', { tools: [{ type: 'function', function: { name: 'f' } }] }],
    ['response_format', { response_format: { type: 'json_object' } }],
    ['a parameter of one provider only', { top_k: 40 }],
    ['a field that does not exist yet', { reasoning_2031: { effort: 'low' } }],
    ['user', { user: 'u1' }],
    ['seed', { seed: 7 }],
    ['n', { n: 2 }],
    ['logprobs', { logprobs: true }],
    ['null instead of absence', { stop: null }],
    ['an empty stream_options', { stream_options: {} }],
    ['an unknown stream option', { stream_options: { include_usage: true, include_obfuscation: false } }],
  ])('depends on %s', (_what, more) => {
    expect(identity({ ...chat, ...more })).not.toBe(identity(chat));
  });

  it('depends on the order of messages and on the case and spacing of text', () => {
    expect(identity({ ...chat, messages: chat.messages.toReversed() })).not.toBe(identity(chat));
    expect(identity(JSON.stringify(chat).replace('Hola', 'hola'))).not.toBe(identity(chat));
    expect(identity(JSON.stringify(chat).replace('Hola', 'Hola '))).not.toBe(identity(chat));
  });

  it('gives a JSON request and its streamed twin one key', () => {
    expect(identity({ ...chat, stream: true, stream_options: { include_usage: true } })).toBe(identity(chat));
    expect(identity({ ...chat, stream: false })).toBe(identity(chat));
  });

  it('changes with any change of any value, anywhere', () => {
    fc.assert(
      fc.property(object, fc.string(), anyValue, (body, name, value) => {
        fc.pre(name !== 'stream' && name !== 'stream_options');
        const changed: Record<string, unknown> = { ...body };
        Object.defineProperty(changed, name, { value, enumerable: true, configurable: true, writable: true });
        const same = JSON.stringify(Object.getOwnPropertyDescriptor(body, name)?.value) === JSON.stringify(value);
        fc.pre(!same || Object.hasOwn(body, name));
        expect(identity(changed as JsonValue) === identity(body as JsonValue)).toBe(same);
      }),
    );
  });

  it('is equal for two bodies if and only if they say the same', () => {
    fc.assert(
      fc.property(anyValue, anyValue, (left, right) => {
        expect(identity([left]) === identity([right])).toBe(sameJson(left, right));
      }),
      { numRuns: 500 },
    );
  });
});

function sameJson(left: unknown, right: unknown): boolean {
  try {
    // -0 is 0 in canonical JSON; `toEqual` tells them apart.
    const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
    expect(plain(left)).toEqual(plain(right));
    return true;
  } catch (difference) {
    expect(difference).toBeInstanceOf(Error);
    return false;
  }
}

describe('the parts of an identity', () => {
  it('keeps numbers apart that a JSON parser would round to one', () => {
    const one = identity('{"seed":9007199254740993}');
    expect(identity('{"seed":9007199254740992}')).not.toBe(one);
    expect(identity('{"seed":9007199254740994}')).not.toBe(one);
    expect(identity('{"seed":9007199254740993}')).toBe(one);
  });

  it('keys a body with duplicate names or lone surrogates by its bytes', () => {
    expect(identity('{"a":1,"a":2}')).not.toBe(identity('{"a":2}'));
    expect(identity('{"a":1,"a":2}')).not.toBe(identity('{"a":2,"a":1}'));
    expect(identity('{"a":"\\ud800"}')).not.toBe(identity('{"a":"\\ud801"}'));
    expect(identity('{"a":"\\ud800"}')).not.toBe(identity('{"a":"\ufffd"}'));
  });

  it('changes with each of them', () => {
    const changes: Partial<Omit<RequestParts, 'body'>>[] = [
      { version: 2 },
      { tenant: 'other' },
      { scope: 'key-1' },
      { namespace: 'n' },
      { upstream: 'http://localhost:1/v1' },
      { operation: 'POST /v1/completions' },
      { headers: { 'openai-organization': 'org' } },
      { omit: [] },
    ];
    const streamed = { ...chat, stream: true };
    const keys = [identity(streamed), ...changes.map((change) => identity(streamed, change))];
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('never lets one part run into the next, for any strings', () => {
    const part = fc.oneof(
      anyString,
      fc.constantFrom('', 'a', 'ab', '|', '1:a', '|1:a', '\ud800', '\ufffd', '"\\ud800"'),
    );
    fc.assert(
      fc.property(
        fc.array(part, { minLength: 3, maxLength: 3 }),
        fc.array(part, { minLength: 3, maxLength: 3 }),
        (a, b) => {
          const key = ([tenant = '', scope = '', namespace = '']: string[]) =>
            identity({}, { tenant, scope, namespace });
          expect(key(a) === key(b)).toBe(JSON.stringify(a) === JSON.stringify(b));
        },
      ),
      { numRuns: 1000 },
    );
    expect(identity({}, { tenant: 'ab', scope: 'c' })).not.toBe(identity({}, { tenant: 'a', scope: 'bc' }));
  });

  it('takes headers in any case and order, and leaves absent ones out', () => {
    const one = identity({}, { headers: { 'Anthropic-Version': '1', 'anthropic-beta': 'x' } });
    expect(
      identity({}, { headers: { 'anthropic-beta': 'x', 'anthropic-version': '1', 'openai-project': undefined } }),
    ).toBe(one);
    expect(identity({}, { headers: { 'anthropic-beta': '1', 'anthropic-version': 'x' } })).not.toBe(one);
  });

  it('stays what it was: stored keys depend on it', () => {
    expect(identity({ ...chat, stream: true })).toBe(
      '60dc00e25b071548d22bc3691d63ede6e3a7bc8df678ace3c35abbddf7eeb9f8',
    );
    expect(identity('{"seed":9007199254740993}')).toBe(
      '6e4499a5753d12ca590fcc6dd54de91f1a86013adc6e8fcb8fc8b13c8622ed7c',
    );
  });
});
