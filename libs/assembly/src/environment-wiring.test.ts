import { Cache, RedisRoles, ROLES } from '@promptsales/cache-core';
import { EnvironmentError, readEnvironment, SCOPE_NAMES, type Environment } from '@promptsales/environment';
import { SCOPES } from '@promptsales/identity';
import { randomBytes } from 'node:crypto';
import { cacheSettings, keyring, ttlTable } from './cache-settings.js';
import { upstreamKind } from './health-wiring.js';
import { identityOptions } from './identity-options.js';
import { checkConnections, redisTopology } from './redis-topology.js';
import { secretsOf } from './secrets.js';

const ENCRYPTION_KEY = randomBytes(32).toString('base64');

const environment = (env: NodeJS.ProcessEnv = {}): Environment =>
  readEnvironment({
    REDIS_URL: 'redis://localhost:6379',
    DATABASE_URL: 'postgres://app:p%40ss-of-db@localhost/promptsales',
    ADMIN_API_KEY: 'admin-key-0123456789abcdef',
    ENCRYPTION_KEY,
    ...env,
  });

describe('redisTopology', () => {
  it('carries the layout, the servers and databases of roles, and credentials', () => {
    const topology = redisTopology(
      environment({
        REDIS_URL_SESSIONS: 'redis://sessions:6379/2',
        REDIS_DB_LLM: '9',
        REDIS_PASSWORD: 'redis-password',
        REDIS_SSL: 'true',
        REDIS_RETRY_ON_TIMEOUT: 'false',
        REDIS_COMMAND_TIMEOUT_MS: '800',
      }),
    );
    expect(topology).toMatchObject({
      url: 'redis://localhost:6379',
      layout: 'databases',
      urls: { sessions: 'redis://sessions:6379/2' },
      databases: { llm: 9 },
      password: 'redis-password',
      tls: true,
      times: { retryReads: false, commandTimeoutMs: 800 },
    });
  });

  it('knows a cluster and the Sentinels of a primary', () => {
    const nodes = [
      { host: 'a', port: 7000 },
      { host: 'b', port: 6379 },
    ];
    expect(redisTopology(environment({ REDIS_URL: '', REDIS_CLUSTER_NODES: 'a:7000,b' }))).toMatchObject({
      cluster: nodes,
      layout: 'single',
    });
    const sentinels = {
      REDIS_SENTINELS: 'a:7000,b:6379',
      REDIS_SENTINEL_NAME: 'main',
      REDIS_SENTINEL_PASSWORD: 's3nt',
    };
    const topology = redisTopology(environment({ ...sentinels, REDIS_URL: '', REDIS_URL_LLM: 'redis://llm' }));
    expect(topology).toMatchObject({ sentinels: nodes, primaryName: 'main', sentinelPassword: 's3nt' });
    expect(topology.urls).toEqual({ llm: 'redis://llm' });
  });

  it('says which variable is missing when none names a server', () => {
    expect(() => redisTopology(environment({ REDIS_URL: '' }))).toThrow(/REDIS_URL: is not set/);
  });
});

describe('REDIS_MAX_CONNECTIONS', () => {
  const check = (env: NodeJS.ProcessEnv): void => {
    const given = environment(env);
    checkConnections(given, new RedisRoles(redisTopology(given)));
  };

  it('is enough by default, and 2 is for one database', () => {
    expect(() => check({})).not.toThrow();
    expect(() => check({ REDIS_LAYOUT: 'single', REDIS_MAX_CONNECTIONS: '2' })).not.toThrow();
  });

  it('refuses a process that would open more, and says what would do', () => {
    expect(() => check({ REDIS_MAX_CONNECTIONS: '13' })).toThrow(
      /^REDIS_MAX_CONNECTIONS: got 13, and 14 are needed: 7 databases .*REDIS_LAYOUT=single/,
    );
    expect(() => check({ REDIS_LAYOUT: 'single', REDIS_MAX_CONNECTIONS: '1' })).toThrow(/2 are needed: 1 database /);
  });
});

describe('cacheSettings', () => {
  const settings = (env: NodeJS.ProcessEnv = {}) => {
    const given = environment(env);
    return cacheSettings(given, ttlTable(given), keyring(given));
  };

  it('follows the variables, the narrow one before the broad one', () => {
    const { ttls, compressAbove, keyPrefix } = settings({
      LLM_CACHE_TTL: '90000',
      TTL_LLM_EMBEDDING: '100000',
      COMPRESSION_THRESHOLD: '2048',
      KEY_PREFIX: 'app1:',
    });
    expect(ttls).toMatchObject({ 'llm.response': 90_000, 'llm.embedding': 100_000 });
    expect(compressAbove).toBe(2048);
    expect(keyPrefix).toBe('app1:');
  });

  it('bounds the memory of the process, and keeps nothing in it at 0', () => {
    expect(settings().l1).toEqual({ maxBytes: 64 * 1024 * 1024 });
    expect(settings({ L1_MAX_BYTES: '1MiB' }).l1).toEqual({ maxBytes: 1024 * 1024 });
    expect(settings({ L1_MAX_BYTES: '0' }).l1).toBeNull();
  });

  it('switches compression off', () => {
    expect(settings({ ENABLE_COMPRESSION: 'false' }).compressAbove).toBeNull();
  });

  it('lets values age and loads end as the variables say, family by family', () => {
    expect(settings().loading).toEqual({});
    const aging = settings({
      CACHE_FRESH_LEAD: '60',
      CACHE_GRACE_LEAD: '0',
      CACHE_LOAD_TIMEOUT_MS_LEAD: '250',
      CACHE_FRESH_API_CALL: '30',
    });
    expect(aging.loading).toEqual({
      lead: { freshSeconds: 60, graceSeconds: 0, hardTimeoutMs: 250 },
      'api.call': { freshSeconds: 30 },
    });
    const most = settings({ CACHE_FRESH_LEAD: '31536000', CACHE_LOAD_TIMEOUT_MS_LEAD: '86400000' });
    const roles = new RedisRoles(redisTopology(environment()));
    for (const each of [aging, most]) expect(() => new Cache(roles, each)).not.toThrow();
  });

  it('names every variable about values that do not age so', () => {
    const refused = () => settings({ CACHE_FRESH_LLM_RESPONSE: '60', CACHE_GRACE_LOCK_NAMED: '1' });
    expect(refused).toThrow(EnvironmentError);
    expect(refused).toThrow(
      /CACHE_FRESH_LLM_RESPONSE: got 60; .*max-age.*\n +CACHE_GRACE_LOCK_NAMED: got 1; .*never loaded/,
    );
  });

  it('names the variable whose TTL its family cannot have', () => {
    expect(() => settings({ TTL_LLM_RESPONSE: '1' })).toThrow(/TTL_LLM_RESPONSE/);
  });
});

describe('secretsOf', () => {
  it('has every secret in each form in which it could be printed, and nothing else', () => {
    const secrets = secretsOf(
      environment({
        OPENAI_BASE_URL: 'https://api.example/v1',
        OPENAI_API_KEY: 'sk-upstream',
        REDIS_PASSWORD: 'redis-password',
      }),
    );
    expect(secrets).toEqual(
      expect.arrayContaining([
        'admin-key-0123456789abcdef',
        'p%40ss-of-db',
        'p@ss-of-db',
        ENCRYPTION_KEY,
        'sk-upstream',
        'redis-password',
      ]),
    );
    expect(secrets.filter((secret) => /localhost|promptsales|example/.test(secret))).toEqual([]);
  });
});

describe('the rest of the wiring', () => {
  it('knows where answers come from', () => {
    expect(upstreamKind(environment())).toBe('none');
    const upstream = { OPENAI_BASE_URL: 'https://api.example/v1' };
    expect(upstreamKind(environment(upstream))).toBe('configured');
    expect(upstreamKind(environment({ ...upstream, SIMULATED_UPSTREAM: 'true' }))).toBe('simulated');
  });

  it('hands the first key and the scopes of strangers to identity', () => {
    expect(identityOptions(environment({ ANONYMOUS_SCOPES: 'llm,analytics' }))).toEqual({
      adminKey: 'admin-key-0123456789abcdef',
      anonymousScopes: ['llm', 'analytics'],
    });
  });

  it('lets strangers have each scope that there is', () => {
    expect(SCOPE_NAMES).toEqual(SCOPES);
  });

  it('knows every role of the keyspace by the name that the variables use', () => {
    expect(Object.keys(redisTopology(environment({ REDIS_DB_STATE: '1' })).databases ?? {})).toEqual(['state']);
    expect(Object.keys(ROLES)).toContain('state');
  });
});
