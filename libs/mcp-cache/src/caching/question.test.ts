import { NO_CACHE_CONTROLS, parseBody } from '@promptsales/cache-core';
import fc from 'fast-check';
import type { McpServer, Share, Trust } from '../servers/mcp-server.js';
import type { Session } from '../session/session-seal.js';
import { cacheableMethod, type CacheableMethod } from './cacheable.js';
import { identityOf } from './question.js';
import { scopesOf, tagOf } from './scopes.js';

interface Asking {
  readonly tenant: string;
  readonly keyId: string;
  readonly session: string | null;
  readonly params: Record<string, unknown>;
  readonly share: Share;
  readonly trust: Trust;
}

const METHOD = 'resources/read';
const text = fc.oneof(fc.constantFrom('a', 'b', 'a:b', '|1:a', ''), fc.string({ maxLength: 6 }));
const asking = fc.record<Asking>({
  tenant: fc.constantFrom('t', 'u', 't:u'),
  keyId: fc.constantFrom('k', 'l', 'k:l'),
  session: fc.constantFrom(null, 's', 'r'),
  params: fc.dictionary(text, fc.oneof(text, fc.integer()), { maxKeys: 3 }),
  share: fc.constantFrom('session', 'principal', 'public'),
  trust: fc.constantFrom('private', 'public'),
});

const serverOf = ({ share, trust }: Asking) => ({ name: 's', identity: 'i', share, trust }) as unknown as McpServer;
const scopes = (one: Asking) =>
  scopesOf(serverOf(one), one, one.session === null ? null : ({ id: one.session } as Session));

function identity(one: Asking, circle: 'usual' | 'principal' | 'public', more: object = {}, id: unknown = 1): string {
  const params = { ...one.params, ...more };
  const all = scopes(one);
  const body = parseBody(Buffer.from(JSON.stringify({ jsonrpc: '2.0', id, method: METHOD, params })));
  return identityOf(
    {
      server: serverOf(one),
      scopes: all,
      method: cacheableMethod(METHOD) as CacheableMethod,
      message: { method: METHOD, params, body },
      protocolVersion: '2025-11-25',
      capabilities: 'c',
      headers: {},
      permission: null,
      controls: NO_CACHE_CONTROLS,
      segmento: null,
      changes: 'none',
    },
    all[circle],
  );
}

describe('what names a result', () => {
  it('trap 22: is never that of another principal, of another session where those are apart, or of another tenant', () => {
    fc.assert(
      fc.property(asking, asking, fc.constantFrom('usual', 'principal', 'public'), (one, other, circle) => {
        const same = identity(one, circle) === identity({ ...other, params: one.params, share: one.share }, circle);
        const together = one.tenant === other.tenant;
        const alike = together && one.keyId === other.keyId;
        if (circle === 'public' || (circle === 'usual' && one.share === 'public')) return same === together;
        if (one.share === 'session') {
          if (one.session === null || other.session === null) return same === (alike && one.session === other.session);
          return same === (together && one.session === other.session);
        }
        return same === alike;
      }),
      { numRuns: 50_000 },
    );
  });

  it('trap 22: does not depend on the id, on `_meta` or on the order of parameters, and on everything else', () => {
    fc.assert(
      fc.property(asking, asking, fc.dictionary(text, text), (one, other, meta) => {
        const own = identity(one, 'usual');
        expect(identity(one, 'usual', { _meta: { meta } }, 'another')).toBe(own);
        const turned = Object.fromEntries(Object.entries(one.params).toReversed());
        expect(identity({ ...one, params: turned }, 'usual')).toBe(own);
        const sameParams = identity({ ...one, params: other.params }, 'usual') === own;
        const differ = JSON.stringify(sorted(one.params)) !== JSON.stringify(sorted(other.params));
        expect(sameParams).toBe(!differ);
      }),
      { numRuns: 5_000 },
    );
  });

  it('is ended by what ends its circle, and by nothing of another', () => {
    fc.assert(
      fc.property(asking, asking, (one, other) => {
        const ended = new Set(scopes(one).all.map((scope) => tagOf(scope, 'tools')));
        const kept = tagOf(scopes(other).usual, 'tools');
        if (scopes(one).all.includes(scopes(other).usual)) expect(ended).toContain(kept);
        else expect(ended).not.toContain(kept);
        expect(tagOf(scopes(one).usual, { uri: 'tools' })).not.toBe(tagOf(scopes(one).usual, 'tools'));
      }),
    );
  });
});

function sorted(params: Record<string, unknown>): [string, unknown][] {
  return Object.entries(params)
    .filter(([name]) => name !== '_meta')
    .toSorted(([one], [other]) => (one < other ? -1 : 1));
}
