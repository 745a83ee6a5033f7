import fc from 'fast-check';
import { changeKeys } from './change-keys.js';
import { queueKeys } from './queue-keys.js';
import { companions } from './companion.js';
import { kindOfKey } from './key-kind.js';
import { keyspace } from './keyspace.js';
import { physicalKey } from './physical-key.js';
import { placedKey } from './placed-key.js';
import { versionKeys } from './version-key.js';

const prefixes = fc.constantFrom('', 'ps:', '{app}:', 'app:');

describe('what a key on a server is', () => {
  it('is told of every key that we write, and of what lies beside it', () => {
    const cases = fc.tuple(fc.string({ unit: 'binary' }), fc.constantFrom('default', 'acme', 'a:b'), prefixes);
    fc.assert(
      fc.property(cases, ([text, tenant, prefix]) => {
        const ref = keyspace.appValue.at({ key: text }, tenant);
        const physical = physicalKey(prefix, ref.key);
        expect(kindOfKey(physical, prefix)).toMatchObject({ kind: 'value', key: ref.key, parsed: { tenant } });
        for (const companion of Object.values(companions)) {
          const beside = companion.beside(ref, prefix);
          expect(kindOfKey(beside, prefix)).toEqual({ kind: 'companion', companion, subject: physical });
        }
      }),
    );
  });

  it('is the same where its subject is the hash tag, as in a cluster', () => {
    const cases = fc.tuple(fc.string({ unit: 'binary' }), fc.constantFrom('default', 'acme', 'a:b'), prefixes);
    fc.assert(
      fc.property(cases, ([text, tenant, prefix]) => {
        const ref = keyspace.ratelimitClient.at(
          { client: text, service: 'mcp', 'yyyy-mm-dd-HH-MM': '2026-11-22-03-24' },
          tenant,
        );
        const placed = placedKey(prefix, ref, true);
        expect(kindOfKey(placed, prefix)).toMatchObject({ kind: 'value', key: ref.key, parsed: { tenant } });
        expect(placedKey(prefix, ref, false)).toBe(prefix + ref.key);
      }),
    );
    const ref = keyspace.ratelimitMcp.at({ tool: 'find', client: 'crm', 'yyyy-mm-dd-HH': '2026-11-22-03' }, 'acme');
    expect(placedKey('ps:', ref, true)).toBe('ps:tenant:acme:ratelimit:mcp:find:{crm}:hour:2026-11-22-03');
    expect(kindOfKey('ratelimit:{mcp}:find:crm:hour:2026-11-22-03')).toEqual({ kind: 'unknown' });
    expect(kindOfKey('app:{k}')).toEqual({ kind: 'unknown' });
  });

  it('is the platform’s own, nobody’s, or others’', () => {
    const version = versionKeys.keyOf(versionKeys.subject('tag', 'a:b'), 'acme', 'ps:');
    expect(kindOfKey(version, 'ps:')).toEqual({ kind: 'platform' });
    expect(kindOfKey(changeKeys.at('ps:'), 'ps:')).toEqual({ kind: 'platform' });
    expect(kindOfKey(`${queueKeys.prefixAt('ps:')}:ai_generation:wait`, 'ps:')).toEqual({ kind: 'platform' });
    expect(kindOfKey('ps:nobody:x', 'ps:')).toEqual({ kind: 'unknown' });
    expect(kindOfKey('ps:app:a:b', 'ps:')).toEqual({ kind: 'unknown' });
    expect(kindOfKey('app:k', 'ps:')).toEqual({ kind: 'outside' });
  });
});
