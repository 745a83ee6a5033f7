import * as fc from 'fast-check';
import { LlmError } from '../protocol/llm-error.js';
import { CHAT_COMPLETIONS } from '../protocol/chat-completions/chat-completions.js';
import { type IdentityContext, KnownRequests, NOTHING_KNOWN } from './known-requests.js';

const CONTEXT: IdentityContext = {
  headers: {},
  baseUrl: 'http://provider.test/v1',
  namespace: '',
  share: 'tenant',
  tenant: 'acme',
  keyId: 'key-1',
};

const bodyOf = (content: string): Buffer =>
  Buffer.from(JSON.stringify({ model: 'gpt-4o', messages: [{ role: 'user', content }] }));

const context = fc.record<IdentityContext>({
  headers: fc.dictionary(fc.constantFrom('openai-beta', 'openai-project'), fc.constantFrom('', 'a', 'a b', '1:b')),
  baseUrl: fc.constantFrom('http://one.test/v1', 'http://other.test/v1'),
  namespace: fc.constantFrom('', 'n', 'n 1:m'),
  share: fc.constantFrom('tenant', 'key', 'all'),
  tenant: fc.constantFrom('acme', 'acme 5:key-1', 'other'),
  keyId: fc.constantFrom('key-1', 'key-2'),
});

describe('known requests', () => {
  it('gives every request the identity and the facts that reading it anew gives', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom('a', 'b', 'ü', '\u{1F600}'), context), { minLength: 1, maxLength: 100 }),
        (asked) => {
          const known = new KnownRequests();
          for (const [content, where] of asked) {
            const request = known.read(CHAT_COMPLETIONS, bodyOf(content));
            const anew = NOTHING_KNOWN.read(CHAT_COMPLETIONS, bodyOf(content));
            expect(request.identity(where)).toEqual(anew.identity(where));
            expect(request.facts).toEqual(anew.facts);
            known.remember(request);
          }
        },
      ),
    );
  });

  it('reads a body once that it was told to remember, and every other one each time', () => {
    const known = new KnownRequests();
    const read = jest.spyOn(CHAT_COMPLETIONS, 'readRequest');
    const first = known.read(CHAT_COMPLETIONS, bodyOf('a'));
    known.read(CHAT_COMPLETIONS, bodyOf('a'));
    expect(read).toHaveBeenCalledTimes(2);
    known.remember(first);
    known.remember(first);
    expect(read).toHaveBeenCalledTimes(3);
    const kept = known.read(CHAT_COMPLETIONS, bodyOf('a'));
    expect(known.read(CHAT_COMPLETIONS, bodyOf('a'))).toBe(kept);
    expect(read).toHaveBeenCalledTimes(3);
    expect(kept.body.bytes).toEqual(bodyOf('a'));
    expect(kept.body.bytes.buffer.byteLength).toBe(bodyOf('a').length);
    read.mockRestore();
  });

  it('tells the protocols apart', () => {
    const known = new KnownRequests();
    const other = { ...CHAT_COMPLETIONS, id: 'another.protocol' };
    known.remember(known.read(CHAT_COMPLETIONS, bodyOf('a')));
    expect(known.read(other, bodyOf('a')).identity(CONTEXT)).not.toEqual(
      known.read(CHAT_COMPLETIONS, bodyOf('a')).identity(CONTEXT),
    );
  });

  it('forgets what was not asked for while others came, keeps what was, and holds no more than its bound', () => {
    const known = new KnownRequests();
    const filler = 'x'.repeat(10_000);
    known.remember(known.read(CHAT_COMPLETIONS, bodyOf('kept')));
    known.remember(known.read(CHAT_COMPLETIONS, bodyOf('forgotten')));
    const kept = known.read(CHAT_COMPLETIONS, bodyOf('kept'));
    const forgotten = known.read(CHAT_COMPLETIONS, bodyOf('forgotten'));
    for (let other = 0; other < 1_000; other += 1) {
      known.remember(known.read(CHAT_COMPLETIONS, bodyOf(`${filler} ${other}`)));
      known.read(CHAT_COMPLETIONS, bodyOf('kept'));
    }
    expect(known.read(CHAT_COMPLETIONS, bodyOf('kept'))).toBe(kept);
    expect(known.read(CHAT_COMPLETIONS, bodyOf('forgotten'))).not.toBe(forgotten);
    expect(known.bytes).toBeLessThan(5 * 1024 * 1024);
  });

  it('does not hold large bodies, nor more callers of one body than its bound', () => {
    const known = new KnownRequests();
    const large = known.read(CHAT_COMPLETIONS, bodyOf('x'.repeat(20_000)));
    known.remember(large);
    expect(known.bytes).toBe(0);
    known.remember(known.read(CHAT_COMPLETIONS, bodyOf('a')));
    const request = known.read(CHAT_COMPLETIONS, bodyOf('a'));
    const names = Array.from({ length: 1_000 }, (_, caller) => `tenant-${caller}`);
    for (const tenant of names) request.identity({ ...CONTEXT, tenant });
    expect(request.identities).toBeLessThanOrEqual(64);
    const anew = NOTHING_KNOWN.read(CHAT_COMPLETIONS, bodyOf('a'));
    for (const tenant of names) {
      expect(request.identity({ ...CONTEXT, tenant })).toEqual(anew.identity({ ...CONTEXT, tenant }));
    }
  });

  it('refuses a body that cannot be read each time it comes', () => {
    const known = new KnownRequests();
    for (const _ of [1, 2]) {
      expect(() => known.read(CHAT_COMPLETIONS, Buffer.from('{"model":'))).toThrow(LlmError);
    }
  });
});
