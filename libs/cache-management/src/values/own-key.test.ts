import type { HttpException } from '@nestjs/common';
import { catalogue } from '@promptsales/cache-core';
import fc from 'fast-check';
import { ownKey } from './own-key.js';

const tenants = fc.oneof(fc.constant('default'), fc.string({ minLength: 1, unit: 'binary' }));
/** Families whose segments take any text: what a caller can be hostile in. */
const open = catalogue.families.filter((family) =>
  family.tokens.every((token) => 'literal' in token || token.shape.takes === 'any text'),
);

describe('a key that a caller names', () => {
  it('trap 12: is the one that the family gives for the same inputs, whatever they are', () => {
    const cases = fc.tuple(
      fc.constantFrom(...open),
      fc.array(fc.string({ unit: 'binary' }), { minLength: 6, maxLength: 6 }),
      tenants,
    );
    fc.assert(
      fc.property(cases, ([family, texts, tenant]) => {
        const ref = family.at(
          Object.fromEntries(family.segmentNames.map((name, at) => [name, texts[at] ?? ''])),
          tenant,
        );
        expect(ownKey(ref.key, tenant)).toEqual({ family, tenant, key: ref.key });
      }),
    );
  });

  it('trap 12: is never one of another tenant: 404, or a key of one’s own, or none at all', () => {
    const cases = fc.tuple(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        tenants.map((other) => `tenant:${other}:app:k`),
      ),
      tenants,
    );
    fc.assert(
      fc.property(cases, ([text, tenant]) => {
        let key: string;
        try {
          key = ownKey(text, tenant).key;
        } catch (error) {
          expect([404, 422]).toContain((error as HttpException).getStatus());
          return;
        }
        // Null: the hash in it holds the tenant.
        expect([null, tenant]).toContain(catalogue.parseKey(key)?.tenant);
      }),
    );
  });
});
