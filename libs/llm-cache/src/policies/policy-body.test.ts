import { PolicyError } from './policy-error.js';
import { policyAnswer, policyIn } from './policy-body.js';

function faultsOf(body: unknown, name = 'mine'): string[] {
  try {
    policyIn(body, name);
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    expect(error).toMatchObject({ code: 'validation_failed', httpStatus: 400 });
    return (error.errors ?? []).map(({ path, message }) => `${path} ${message}`);
  }
  return [];
}

const WHOLE = {
  match: { provider: 'openai', model: 'gpt-4o', tenant: 'acme', key_id: 'k1' },
  mode: 'bucket',
  bucket: 3,
  ttl: 60,
  share: 'key',
  semantic: { enabled: false, delta: 0.05, embedder: { base_url: 'https://e.example/v1', model: 'e' } },
};
const STORED = { createdAt: '2026-01-01T00:00:00.000Z', updatedAt: '2026-01-02T00:00:00.000Z' };

describe('a policy that is sent', () => {
  it('is taken with all its members, or with its mode alone', () => {
    expect(policyIn(WHOLE, 'mine')).toEqual({
      name: 'mine',
      match: { provider: 'openai', model: 'gpt-4o', tenant: 'acme', keyId: 'k1' },
      mode: 'bucket',
      bucket: 3,
      ttlSeconds: 60,
      share: 'key',
      semantic: { enabled: false, delta: 0.05, embedder: { baseUrl: 'https://e.example/v1', model: 'e' } },
    });
    const least = { name: 'mine', match: {}, mode: 'off', share: 'tenant' };
    expect(policyIn({ mode: 'off' }, 'mine')).toEqual(least);
    const nulls = { match: null, bucket: null, ttl: null, share: null, semantic: null };
    expect(policyIn({ mode: 'off', ...nulls }, 'mine')).toEqual(least);
    expect(policyIn({ mode: 'all', semantic: { enabled: true } }, 'mine').semantic).toEqual({
      enabled: true,
      delta: 0.01,
      embedder: 'lexical',
    });
  });

  it('is shown as it was sent, and what is shown may be sent back', () => {
    const shown = policyAnswer({ ...policyIn(WHOLE, 'mine'), ...STORED });
    expect(shown).toEqual({ name: 'mine', ...WHOLE, created_at: STORED.createdAt, updated_at: STORED.updatedAt });
    expect(policyIn(shown, 'mine')).toEqual(policyIn(WHOLE, 'mine'));
    const off = { enabled: false, delta: 0.01, embedder: 'lexical' };
    expect(policyAnswer({ ...policyIn({ mode: 'all' }, 'default'), ...STORED })).toMatchObject({
      match: {},
      mode: 'all',
      share: 'tenant',
      semantic: off,
    });
  });

  it.each<[unknown, string]>([
    [[], ' must be a JSON object'],
    ['all', ' must be a JSON object'],
    [{}, 'mode must be one of all, deterministic, bucket, off'],
    [{ mode: 'ALL' }, 'mode must be one of'],
    [{ mode: 'all', name: 'other' }, 'name names another policy'],
    [{ mode: 'all', models: [] }, 'models is not known here'],
    [{ mode: 'all', ttl: 0 }, 'ttl must be an integer from 1 to 604800'],
    [{ mode: 'all', ttl: 1.5 }, 'ttl must be'],
    [{ mode: 'all', ttl: '60' }, 'ttl must be'],
    [{ mode: 'all', bucket: 3 }, 'bucket can only be given with mode bucket'],
    [{ mode: 'bucket' }, 'bucket is needed with mode bucket'],
    [{ mode: 'bucket', bucket: 101 }, 'bucket must be an integer from 1 to 100'],
    [{ mode: 'all', share: 'world' }, 'share must be one of tenant, key, all'],
    [{ mode: 'all', match: [] }, 'match must be an object'],
    [
      { mode: 'all', match: { modell: 'x' } },
      'match.modell is not known here; there are provider, model, tenant, key_id',
    ],
    [{ mode: 'all', match: { model: '' } }, 'match.model must be a text'],
    [{ mode: 'all', match: { model: 'a\0b' } }, 'match.model must be a text'],
    [{ mode: 'all', match: { tenant: 7 } }, 'match.tenant must be a text'],
    [{ mode: 'all', semantic: true }, 'semantic must be an object'],
    [{ mode: 'all', semantic: {} }, 'semantic.enabled must be true or false'],
    [{ mode: 'all', semantic: { enabled: true, delta: 0 } }, 'semantic.delta must be a number from'],
    [{ mode: 'all', semantic: { enabled: true, delta: 1 } }, 'semantic.delta must be a number from'],
    [{ mode: 'all', semantic: { enabled: true, threshold: 0.9 } }, 'semantic.threshold is not known here'],
    [{ mode: 'all', semantic: { enabled: true, embedder: 'openai' } }, 'semantic.embedder must be "lexical" or'],
    [{ mode: 'all', semantic: { enabled: true, embedder: { base_url: 'http://e/v1' } } }, 'semantic.embedder.model'],
    [
      { mode: 'all', semantic: { enabled: true, embedder: { base_url: 'http://u:p@e/v1', model: 'e' } } },
      'semantic.embedder.base_url must be an http or https URL',
    ],
    [{ mode: 'bucket', bucket: 2, semantic: { enabled: true } }, 'semantic.enabled cannot be true with mode bucket'],
    [{ mode: 'off', semantic: { enabled: true } }, 'semantic.enabled cannot be true with mode off'],
  ])('is refused: %j', (body, fault) => {
    expect(faultsOf(body)).toEqual([expect.stringContaining(fault) as string]);
  });

  it('is refused with all its faults at once, and for a name that cannot be one', () => {
    expect(faultsOf({ mode: 'x', ttl: -1, extra: 1 })).toHaveLength(3);
    for (const name of ['', ' a', 'a\nb', 'a'.repeat(201), '\ud800']) {
      expect(faultsOf({ mode: 'all' }, name)).toEqual([expect.stringContaining('name must be a text') as string]);
    }
  });

  it('cannot narrow the default', () => {
    expect(faultsOf({ mode: 'off', match: { model: 'x' } }, 'default')).toEqual([
      expect.stringContaining('match must be left out') as string,
    ]);
    expect(faultsOf({ mode: 'off', match: {} }, 'default')).toEqual([]);
  });
});
