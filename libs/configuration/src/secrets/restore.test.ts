import { Keyring } from '@promptsales/cache-core';
import fc from 'fast-check';
import { randomBytes } from 'node:crypto';
import { ConfigurationError } from '../configuration-error.js';
import type { JsonObject } from '../json.js';
import { masked, openAll, sealAll } from './opened.js';
import { restoreMasks } from './restore.js';
import { Seal } from './seal.js';

const KEY = 'config:github';
const seal = new Seal(new Keyring([randomBytes(32)]));
const stored = (value: JsonObject) => openAll(sealAll(value, KEY, seal), KEY, seal);
const shown = (value: JsonObject): JsonObject => masked(stored(value));

/** What is stored when `sent` replaces `before`. */
function replaced(before: JsonObject | null, sent: JsonObject): JsonObject {
  return restoreMasks(sent, before === null ? null : stored(before));
}

function faultsOf(before: JsonObject | null, sent: JsonObject): readonly string[] {
  try {
    replaced(before, sent);
  } catch (error) {
    if (error instanceof ConfigurationError) return [error.code, ...(error.errors ?? []).map(({ path }) => path)];
    throw error;
  }
  return [];
}

const TOKEN = 'ghp_0123456789abcdef123';
const OTHER = 'ghp_fedcba9876543210456';

describe('secrets of a configuration', () => {
  it('are encrypted one by one, by name and in URLs, and the rest stays readable', () => {
    const value = {
      user: 'octocat',
      max_tokens: 4096,
      palabras_clave: ['verano'],
      clave: 'abrete sesamo',
      token: TOKEN,
      headers: { Authorization: 'Bearer abcdefghijkl', Accept: 'application/json' },
      credentials: { id: 'abc', pins: [1234, true, null] },
      database: 'postgres://app:hunter2@db.example/app',
      Contraseña: 'secreta',
      password: '',
    };
    const sealed = sealAll(value, KEY, seal);
    const text = JSON.stringify(sealed);
    for (const secret of [TOKEN, 'abcdefghijkl', '"abc"', '1234', 'hunter2', 'secreta'])
      expect(text).not.toContain(secret);
    expect(sealed).toMatchObject({ user: 'octocat', max_tokens: 4096, headers: { Accept: 'application/json' } });
    expect(shown(value)).toEqual({
      user: 'octocat',
      max_tokens: 4096,
      palabras_clave: ['verano'],
      clave: 'abre…amo',
      token: 'ghp_…123',
      headers: { Authorization: 'Bear…jkl', Accept: 'application/json' },
      credentials: { id: '…', pins: ['…', true, null] },
      database: 'postgres://…@db.example/app',
      Contraseña: '…',
      password: '',
    });
  });

  it('cannot be read under another key, at another place, or with a key that is gone', () => {
    const sealed = sealAll({ token: TOKEN }, KEY, seal);
    const elsewhere = openAll({ api_key: sealed['token'] as string }, KEY, seal);
    expect(masked(elsewhere)).toEqual({ api_key: '…' });
    expect(masked(openAll(sealed, 'config:gitlab', seal))).toEqual({ token: '…' });
    const rotated = new Seal(new Keyring([randomBytes(32)]));
    const gone = openAll(sealed, KEY, rotated);
    expect(masked(gone)).toEqual({ token: '…' });
    expect(() => restoreMasks({ token: '…' }, gone)).toThrow('cannot be decrypted');
    const url = openAll(sealAll({ url: 'https://user:secret@host/' }, KEY, seal), KEY, rotated);
    expect(() => restoreMasks(masked(url), url)).toThrow('cannot be decrypted');
  });

  it('are read after a rotation, as long as the old key is on the ring', () => {
    const [old, fresh] = [randomBytes(32), randomBytes(32)];
    const sealed = sealAll({ token: TOKEN }, KEY, new Seal(new Keyring([old])));
    const opened = openAll(sealed, KEY, new Seal(new Keyring([fresh, old])));
    expect(restoreMasks({ token: 'ghp_…123' }, opened)).toEqual({ token: TOKEN });
  });
});

describe('masks that are sent back', () => {
  const before = {
    user: 'octocat',
    token: TOKEN,
    nested: {
      deep: [
        { name: 'a', api_key: TOKEN },
        { name: 'b', api_key: OTHER },
      ],
    },
    tokens: { list: ['not under a secret name'] },
    credentials: [TOKEN, OTHER],
    url: 'https://user:secret@host/x',
  };

  it('leave the secret as it was, in objects and arrays, whatever else changes', () => {
    expect(replaced(before, shown(before))).toEqual(before);
    const sent = { ...shown(before), user: 'hubot', more: 1 };
    expect(replaced(before, sent)).toEqual({ ...before, user: 'hubot', more: 1 });
  });

  it('are not needed: a secret that is sent replaces the stored one, and one that is left out goes', () => {
    expect(replaced(before, { token: OTHER })).toEqual({ token: OTHER });
  });

  it.each<[string, JsonObject | null, JsonObject, readonly string[]]>([
    ['nothing is stored', null, { token: 'ghp_…123' }, ['token']],
    ['no secret is stored there', { token: TOKEN }, { api_key: 'ghp_…123' }, ['api_key']],
    ['another secret is stored there', { token: OTHER }, { token: 'ghp_…123' }, ['token']],
    ['in depth', { a: [{ token: OTHER }] }, { a: [{ token: 'ghp_…123' }] }, ['a[0].token']],
    ['in a URL', { url: 'x' }, { url: 'https://…@host/' }, ['url']],
    ['several', null, { token: '…', a: { secret: 'abcd…' } }, ['token', 'a.secret']],
  ])('are refused with their place where %s', (_, was, sent, paths) => {
    expect(faultsOf(was, sent)).toEqual(['secret_mask', ...paths]);
  });

  it('are plain text where no secret would be', () => {
    expect(replaced(null, { note: 'wait…' })).toEqual({ note: 'wait…' });
  });

  describe('in lists', () => {
    const list = {
      hosts: [
        { host: 'a', password: 'first!' },
        { host: 'b', password: 'second' },
      ],
    };
    const [a, b] = shown(list)['hosts'] as [JsonObject, JsonObject];
    const [first, second] = list.hosts as unknown as [JsonObject, JsonObject];

    it('follow their element when others come, go or change places', () => {
      expect(replaced(list, { hosts: [b] })).toEqual({ hosts: [second] });
      expect(replaced(list, { hosts: [b, a] })).toEqual({ hosts: [second, first] });
      expect(replaced(list, { hosts: [{ host: 'c', password: 'third' }, a, b] })).toEqual({
        hosts: [{ host: 'c', password: 'third' }, first, second],
      });
    });

    it('are refused where a neighbour’s secret looks the same and the element was edited', () => {
      expect(faultsOf(list, { hosts: [{ ...a, port: 1 }, b] })).toEqual(['secret_mask', 'hosts[0].password']);
      const distinct = {
        hosts: [
          { host: 'a', token: TOKEN },
          { host: 'b', token: OTHER },
        ],
      };
      const edited = {
        hosts: [
          { host: 'a', port: 1, token: 'ghp_…123' },
          { host: 'b', token: 'ghp_…456' },
        ],
      };
      expect(replaced(distinct, edited)).toEqual({ hosts: [{ host: 'a', port: 1, token: TOKEN }, distinct.hosts[1]] });
    });

    it('are refused where look-alikes went away', () => {
      const alike = { hosts: [{ password: 'first!' }, { password: 'second' }] };
      expect(faultsOf(alike, { hosts: [{ password: '…' }] })).toEqual(['secret_mask', 'hosts[0].password']);
    });
  });

  it('what begins like an encrypted secret is refused, and what is nested too deep', () => {
    expect(faultsOf(null, { note: 'encrypted:abc' })).toEqual(['configuration_invalid', 'note']);
    let deep: JsonObject = {};
    for (let level = 0; level < 40; level += 1) deep = { deep };
    expect(faultsOf(null, deep)[0]).toBe('configuration_invalid');
  });

  it('a number that would be rounded is refused with its place', () => {
    const sent = JSON.parse('{"port": 5432, "accounts": [{"id": 12345678901234567890}], "ratio": 1e400}') as JsonObject;
    expect(faultsOf(null, sent)).toEqual(['configuration_invalid', 'accounts[0].id', 'ratio']);
  });

  it('as many secrets as there may be, and no more', () => {
    const tokens = (count: number) => ({ credentials: Array.from({ length: count }, (_, n) => `secret number ${n}`) });
    expect(replaced(tokens(200), shown(tokens(200)))).toEqual(tokens(200));
    expect(faultsOf(null, tokens(300))).toEqual(['configuration_invalid', 'credentials[200]']);
  });

  it('never store a mask as a secret and never lose one, whatever the configuration', () => {
    const name = fc.constantFrom('token', 'user', 'api_key', 'list', 'nested', 'credentials');
    const secretText = fc.string({ minLength: 1, maxLength: 30 }).filter((text) => !/…|^encrypted:/.test(text));
    const { object } = fc.letrec<{ object: JsonObject; any: JsonObject[string] }>((tie) => ({
      object: fc.dictionary(name, tie('any'), { maxKeys: 4 }),
      any: fc.oneof(
        { depthSize: 'small' },
        secretText,
        fc.integer(),
        tie('object'),
        fc.array(tie('any'), { maxLength: 3 }),
      ),
    }));
    fc.assert(
      fc.property(object, (value) => {
        expect(replaced(value, shown(value))).toEqual(value);
        const again = faultsOf(null, shown(value));
        if (JSON.stringify(shown(value)) !== JSON.stringify(value)) expect(again[0]).toBe('secret_mask');
      }),
      { numRuns: 300 },
    );
  });
});
