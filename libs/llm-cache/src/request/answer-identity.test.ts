import { CHAT_COMPLETIONS } from '../protocol/chat-completions/chat-completions.js';
import { identify, type IdentityParts } from './answer-identity.js';
import { readBody } from './request-body.js';

const BODY = { model: 'gpt-4o', messages: [{ role: 'user', content: 'Enable 2FA' }], temperature: 0.5 };

function hashOf(body: unknown, change: Partial<Omit<IdentityParts, 'body'>> = {}): string {
  return identify({
    protocol: CHAT_COMPLETIONS,
    body: readBody(Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))),
    headers: {},
    baseUrl: 'https://api.openai.com/v1',
    namespace: '',
    share: 'tenant',
    tenant: 'acme',
    keyId: 'k1',
    ...change,
  }).hash;
}

const base = hashOf(BODY);

describe('the identity of a request', () => {
  it.each([
    [{ stream: true }],
    [{ stream: false }],
    [{ stream: null }],
    [{ stream: true, stream_options: { include_usage: true } }],
    [{ stream: true, stream_options: { include_usage: false } }],
  ])('trap 15: is the same for %j, a matter of form', (change) => {
    expect(hashOf({ ...BODY, ...change })).toBe(base);
  });

  it('trap 13: does not depend on the order of members or on spacing', () => {
    const { model, messages, temperature } = BODY;
    expect(hashOf(JSON.stringify({ temperature, messages, model }, null, 2))).toBe(base);
    expect(hashOf(JSON.stringify(BODY).replace('0.5', '5e-1'))).toBe(base);
  });

  it.each([
    { temperature: 0.6 },
    { temperature: undefined },
    { tools: [{ type: 'function', function: { name: 'f' } }] },
    { tool_choice: 'none' },
    { response_format: { type: 'json_object' } },
    { n: 2 },
    { seed: 1 },
    { user: 'u1' },
    { logprobs: true },
    { max_tokens: 5 },
    { stop: ['a'] },
    { metadata: { a: 'b' } },
    { store: true },
    { vendor_option: { deep: [1] } },
    { stream_options: { include_obfuscation: false } },
    { model: 'GPT-4o' },
    { messages: [{ role: 'user', content: 'enable 2FA' }] },
    { messages: [{ role: 'user', content: 'Enable 2FA ' }] },
    { messages: [...BODY.messages, ...BODY.messages] },
  ])('trap 13: changes with %j', (change) => {
    expect(hashOf({ ...BODY, ...change })).not.toBe(base);
  });

  it('trap 13: keeps numbers apart that a parser would round together', () => {
    const withSeed = (seed: string) => JSON.stringify(BODY).replace('0.5', `0.5,"seed":${seed}`);
    expect(hashOf(withSeed('9007199254740993'))).not.toBe(hashOf(withSeed('9007199254740992')));
  });

  it('trap 17: is another one at another base URL, for another tenant, namespace, credential scope or header', () => {
    const others = [
      hashOf(BODY, { baseUrl: 'https://other.example/v1' }),
      hashOf(BODY, { tenant: 'other' }),
      hashOf(BODY, { namespace: 'n' }),
      hashOf(BODY, { share: 'key' }),
      hashOf(BODY, { share: 'key', keyId: 'k2' }),
      hashOf(BODY, { share: 'all' }),
      hashOf(BODY, { headers: { 'openai-organization': 'o' } }),
      hashOf(BODY, { headers: { 'openai-organization': 'p' } }),
      base,
    ];
    expect(new Set(others).size).toBe(others.length);
  });

  it('is shared by the keys of a tenant, or by all, exactly where the policy says so', () => {
    expect(hashOf(BODY, { keyId: 'k2' })).toBe(base);
    expect(hashOf(BODY, { share: 'all', tenant: 'x', keyId: 'y' })).toBe(hashOf(BODY, { share: 'all' }));
  });
});

describe('the body of a request', () => {
  it.each([
    ['', 'invalid_json'],
    ['{"a":', 'invalid_json'],
    ['{"a":"secret"', 'invalid_json'],
    ['['.repeat(10_000), 'invalid_json'],
  ])('is refused when it is no JSON, without being quoted', (text, code) => {
    expect(() => readBody(Buffer.from(text))).toThrow(expect.objectContaining({ status: 400, code }) as Error);
    expect(() => readBody(Buffer.from(text))).not.toThrow(/secret/);
  });

  it('is refused when it is no UTF-8', () => {
    expect(() => readBody(Buffer.from([0x7b, 0xff, 0x7d]))).toThrow(
      expect.objectContaining({ status: 400, code: 'invalid_utf8' }) as Error,
    );
  });
});
