import { keyspace } from './keyspace.js';
import { resolveTtls, ttlVariableOf, ttlVariables } from './ttl.js';

describe('resolveTtls', () => {
  it('gives the documented TTLs by itself, frozen', () => {
    const ttls = resolveTtls();
    for (const family of Object.values(keyspace)) expect(ttls.of(family)).toBe(family.ttlSeconds);
    expect(Object.isFrozen(ttls)).toBe(true);
    expect(Object.isFrozen(ttls.seconds)).toBe(true);
  });

  it.each([
    ['SESSION_TTL', 86_400, 7200, ['session', 'user_prefs']],
    ['LLM_CACHE_TTL', 604_800, 86_400, ['llm.response', 'llm.embedding']],
    ['RATE_LIMIT_TTL', 3600, 1800, ['ratelimit.user.hour']],
    [
      'ANALYTICS_TTL',
      2_592_000,
      864_000,
      ['metrics.hour', 'metrics.named', 'metrics.labelled', 'model_usage', 'revenue', 'dashboard.campaign'],
    ],
    ['TEMP_DATA_TTL', 86_400, 60, ['temp.export', 'temp.upload']],
    ['REDIS_TTL', 3600, 10, ['app.value']],
  ])('%s (documented as %i) sets its families and no other', (variable, documented, seconds, ids) => {
    const [before, after] = [resolveTtls(), resolveTtls({ [variable]: seconds })];
    const changed = Object.values(keyspace).filter((family) => before.of(family) !== after.of(family));
    expect(changed.map((family) => family.id).toSorted()).toEqual(ids.toSorted());
    for (const family of changed) {
      expect(before.of(family)).toBe(documented);
      expect(after.of(family)).toBe(seconds);
    }
  });

  it('lets the variable of one family win over the broad one', () => {
    const ttls = resolveTtls({ LLM_CACHE_TTL: 100_000, TTL_LLM_RESPONSE: 200_000 });
    expect(ttls.of(keyspace.llmResponse)).toBe(200_000);
    expect(ttls.of(keyspace.llmEmbedding)).toBe(100_000);
  });

  it('has one variable per family that has a TTL', () => {
    expect(ttlVariableOf(keyspace.ratelimitUserHour)).toBe('TTL_RATELIMIT_USER_HOUR');
    expect(new Set(ttlVariables()).size).toBe(ttlVariables().length);
  });

  it.each([
    [{ TTL_LLM_RESPONSE: 60 }, 'ttl_range', /TTL_LLM_RESPONSE: got 60, takes .* from 86400 to 604800/],
    [{ LLM_CACHE_TTL: 604_801 }, 'ttl_range', /LLM_CACHE_TTL/],
    [{ TEMP_DATA_TTL: 86_401 }, 'ttl_range', /TEMP_DATA_TTL/],
    [{ TTL_RATELIMIT_CLIENT: 119 }, 'ttl_range', /from 120/],
    [{ TTL_RATELIMIT_IP: 61 }, 'ttl_range', /that is 60/],
    [{ REDIS_TTL: 0 }, 'ttl_range', /got 0/],
    [{ REDIS_TTL: -1 }, 'ttl_range', /got -1/],
    [{ REDIS_TTL: 1.5 }, 'ttl_range', /got 1.5/],
    [{ REDIS_TTL: Number.NaN }, 'ttl_range', /got NaN/],
    [{ TTL_NOTHING: 5 }, 'ttl_unknown', /TTL_NOTHING/],
    [{ TTL_BLACKLIST: 5 }, 'ttl_unknown', /TTL_BLACKLIST/],
    [{ TTL_QUEUE_AI_GENERATION: 5 }, 'ttl_unknown', /TTL_QUEUE_AI_GENERATION/],
  ])('refuses %j', (overrides, code, message) => {
    expect(() => resolveTtls(overrides as Record<string, number>)).toThrow(expect.objectContaining({ code }));
    expect(() => resolveTtls(overrides as Record<string, number>)).toThrow(message);
  });
});
