import * as fc from 'fast-check';
import { inspect } from 'node:util';
import { EnvironmentError } from './environment-error.js';
import { readEnvironment } from './read-environment.js';

const REQUIRED = {
  REDIS_URL: 'redis://localhost:6379',
  DATABASE_URL: 'postgres://app@localhost:5432/app',
  ADMIN_API_KEY: 'an-admin-key-of-sufficient-length',
  ENCRYPTION_KEY: Buffer.alloc(32, 7).toString('base64'),
};

function read(more: NodeJS.ProcessEnv = {}): ReturnType<typeof readEnvironment> {
  return readEnvironment({ ...REQUIRED, ...more });
}

function refused(more: NodeJS.ProcessEnv): string {
  try {
    read(more);
  } catch (error) {
    if (error instanceof EnvironmentError) return error.message;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('readEnvironment', () => {
  it('gives the documented defaults', () => {
    const environment = read();
    expect(environment.api).toMatchObject({ host: '127.0.0.1', port: 3000, processes: 1, trustedProxies: [] });
    expect(environment.redis).toMatchObject({
      layout: 'databases',
      maxConnections: 20,
      tls: false,
      retryOnTimeout: true,
      commandTimeoutMs: 500,
    });
    expect(environment.ttl).toMatchObject({ appValueSeconds: 3600, sessionSeconds: 86_400, llmCacheSeconds: 604_800 });
    expect(environment.temp).toMatchObject({ maxBytes: 2 ** 28, redisMaxBytes: 2 ** 23, tenantQuotaBytes: 2 ** 30 });
    expect(environment.upstream).toMatchObject({ timeoutMs: 600_000, idleTimeoutMs: 120_000, simulated: false });
    expect(environment.operations).toMatchObject({ workerPort: 3001, etlIntervalMinutes: 11, metricsPublic: false });
    expect(environment.warnings).toEqual([]);
  });

  it('reads every form of a value', () => {
    const environment = read({
      HOST: '[::1]',
      PORT: ' 0 ',
      REDIS_URL_LLM: 'rediss://:p%40ss@llm:6380/3',
      REDIS_DB_SESSIONS: '9',
      TTL_LLM_RESPONSE: '90000',
      TRUSTED_PROXIES: '10.0.0.0/8, ::1,loopback',
      ANONYMOUS_SCOPES: 'llm,cache',
      ENABLE_COMPRESSION: 'OFF',
      COMPRESSION_THRESHOLD: '2 KiB',
      OPENAI_BASE_URL: 'https://api.openai.com/v1/',
      TEMP_MAX_BYTES: '5MB',
    });
    expect(environment.api).toMatchObject({ host: '::1', port: 0, trustedProxies: ['10.0.0.0/8', '::1', 'loopback'] });
    expect(environment.redis.urlByRole.llm?.reveal()).toBe('rediss://:p%40ss@llm:6380/3');
    expect(environment.redis.urlByRole.cache).toBeUndefined();
    expect(environment.redis.databaseByRole).toEqual({ sessions: 9 });
    expect(environment.ttl.secondsByFamily).toEqual({ LLM_RESPONSE: 90_000 });
    expect(environment.identity.anonymousScopes).toEqual(['llm', 'cache']);
    expect(environment.codec).toMatchObject({ compression: false, compressionThresholdBytes: 2048 });
    expect(environment.upstream.openAiBaseUrl).toBe('https://api.openai.com/v1');
    expect(environment.temp.maxBytes).toBe(5_000_000);
    expect(environment.given.has('PORT')).toBe(true);
    expect(environment.given.has('WORKER_PORT')).toBe(false);
  });

  it('takes an empty value for none at all', () => {
    expect(read({ PORT: '', HOST: '  ', MONGO_URL: '', KEY_PREFIX: '' }).api).toMatchObject({
      port: 3000,
      host: '127.0.0.1',
    });
  });

  it('reads a rotated list of encryption keys, the first of which encrypts', () => {
    const [first, second] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
    const keys = read({ ENCRYPTION_KEY: `${first.toString('base64')},${second.toString('base64url')}` }).identity
      .encryptionKeys;
    expect(keys.reveal()).toEqual([first, second]);
  });

  it('knows the topologies of Redis and lets a cluster be single', () => {
    const { REDIS_URL: _, ...others } = REQUIRED;
    const cluster = readEnvironment({ ...others, REDIS_CLUSTER_NODES: 'a:7000,[::1]:7001,b' });
    expect(cluster.redis.clusterNodes).toEqual([
      { host: 'a', port: 7000 },
      { host: '::1', port: 7001 },
      { host: 'b', port: 6379 },
    ]);
    expect(cluster.redis.layout).toBe('single');
    const sentinel = readEnvironment({ ...others, REDIS_SENTINELS: 's1,s2:5000', REDIS_SENTINEL_NAME: 'main' });
    expect(sentinel.redis).toMatchObject({ sentinelName: 'main', layout: 'databases' });
  });

  it('is frozen all the way down', () => {
    const environment = read({ TRUSTED_PROXIES: '10.0.0.1' });
    for (const part of [
      environment,
      environment.api,
      environment.redis,
      environment.redis.urlByRole,
      environment.api.trustedProxies,
    ]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
  });
});

describe('the error of a malformed environment', () => {
  it('names the variable, what it got and what it takes', () => {
    expect(refused({ PORT: 'abc' })).toBe(
      'An environment variable cannot be used:\n  PORT: got "abc"; it takes a whole number from 0 to 65535',
    );
  });

  it('names every bad variable at once', () => {
    const message = refused({ PORT: '70000', ENABLE_METRICS: 'perhaps', REDIS_URL: 'localhost', ADMIN_API_KEY: '' });
    expect(message.split('\n')).toHaveLength(5);
    for (const name of ['PORT', 'ENABLE_METRICS', 'REDIS_URL', 'ADMIN_API_KEY'])
      expect(message).toContain(`  ${name}: `);
    expect(message).toContain('ADMIN_API_KEY: is not set; it takes printable ASCII');
  });

  it.each([
    ['PORT', '1e3'],
    ['PORT', '-1'],
    ['PORT', '0x50'],
    ['HOST', 'http://localhost'],
    ['HOST', '127.0.0.1:3000'],
    ['HOST', '999.1.1.1'],
    ['REDIS_LAYOUT', 'one'],
    ['REDIS_MAX_CONNECTIONS', '0'],
    ['SESSION_TTL', '0'],
    ['SESSION_TTL', '1.5'],
    ['TTL_LLM_RESPONSE', 'a day'],
    ['REDIS_DB_LLM', '-1'],
    ['REDIS_URL_CACHE', 'http://localhost:6379'],
    ['REDIS_URL_CACHE', 'redis://localhost/name'],
    ['REDIS_CLUSTER_NODES', 'a:1,,b:2'],
    ['REDIS_CLUSTER_NODES', 'redis://a:1'],
    ['DATABASE_URL', 'mysql://localhost/app'],
    ['MONGO_URL', 'http://localhost'],
    ['OPENAI_BASE_URL', 'api.openai.com/v1'],
    ['OPENAI_BASE_URL', 'https://user:pass@api.openai.com/v1'],
    ['TRUSTED_PROXIES', '10.0.0.0/33'],
    ['TRUSTED_PROXIES', 'example.com'],
    ['ANONYMOUS_SCOPES', 'llm,everything'],
    ['ENCRYPTION_KEY', 'short'],
    ['ENCRYPTION_KEY', `${REQUIRED.ENCRYPTION_KEY},${REQUIRED.ENCRYPTION_KEY}`],
    ['ADMIN_API_KEY', 'two words'],
    ['KEY_PREFIX', 'app{1}:'],
    ['TEMP_MAX_BYTES', '10 bananas'],
    ['TEMP_STORE_URL', 'ftp://host/folder'],
    ['MAX_MEMORY_POLICY', 'lru'],
    ['MCP_STDIO_ALLOW', 'node,'],
    ['MCP_STDIO_ALLOW', 'npx  -y @acme/crm-mcp'],
    ['UPSTREAM_TIMEOUT_MS', '0'],
  ])('refuses %s=%s', (name, value) => {
    expect(refused({ [name]: value })).toContain(`${name}: got `);
  });

  it.each([
    [{ REDIS_SENTINELS: 's1' }, 'REDIS_SENTINEL_NAME: is not set'],
    [{ REDIS_SENTINEL_NAME: 'main' }, 'REDIS_SENTINELS: is not set'],
    [
      { REDIS_SENTINELS: 's1', REDIS_SENTINEL_NAME: 'm', REDIS_CLUSTER_NODES: 'a' },
      'REDIS_SENTINELS: is given together with',
    ],
    [{ REDIS_CLUSTER_NODES: 'a', REDIS_LAYOUT: 'databases' }, 'REDIS_LAYOUT: got "databases" together with'],
    [{ REDIS_CLUSTER_NODES: 'a', REDIS_DB_LLM: '1' }, 'REDIS_DB_LLM: got "1"; a cluster has database 0 only'],
    [{ REDIS_LAYOUT: 'single', REDIS_DB_TEMP: '4' }, 'REDIS_DB_TEMP: got "4"; REDIS_LAYOUT=single'],
    [{ REDIS_URL: 'redis://h/7', REDIS_DB_CACHE: '5' }, 'REDIS_DB_CACHE: got "5" while REDIS_URL says 7'],
    [{ REDIS_URL: 'redis://:one@h', REDIS_PASSWORD: 'two' }, 'REDIS_PASSWORD: is another password'],
    [{ SIMULATED_UPSTREAM: 'true' }, 'SIMULATED_UPSTREAM: got "true" without OPENAI_BASE_URL'],
    [{ CONTENT_EMBEDDER_BASE_URL: 'http://e/v1' }, 'CONTENT_EMBEDDER_MODEL: is not set'],
    [{ CONTENT_EMBEDDER_MODEL: 'm' }, 'CONTENT_EMBEDDER_BASE_URL: is not set; CONTENT_EMBEDDER_MODEL is for'],
    [{ CONTENT_EMBEDDER_API_KEY: 'k' }, 'CONTENT_EMBEDDER_BASE_URL: is not set; CONTENT_EMBEDDER_API_KEY is for'],
    [{ REDIS_URL: '' }, 'REDIS_URL: is not set'],
  ] as [NodeJS.ProcessEnv, string][])('refuses the contradiction %j', (env, line) => {
    expect(refused(env)).toContain(line);
  });

  it('accepts one server per role without a common one', () => {
    const roles = ['SESSIONS', 'LLM', 'RATELIMIT', 'ANALYTICS', 'TEMP', 'CACHE', 'STATE'];
    const urls = Object.fromEntries(roles.map((role) => [`REDIS_URL_${role}`, `redis://${role.toLowerCase()}`]));
    expect(read({ REDIS_URL: '', ...urls }).redis.url).toBeNull();
  });
});

describe('warnings', () => {
  it('say of a variable that this version does not follow that nothing comes of it, and what to do instead', () => {
    expect(read({ ETL_INTERVAL_MINUTES: '12' }).warnings).toEqual([
      'ETL_INTERVAL_MINUTES is set, and this version does not use it yet',
    ]);
    expect(read({ API_PROCESSES: '4' }).warnings).toEqual([
      expect.stringMatching(/^API_PROCESSES is set.*start several with a PORT each/),
    ]);
  });

  it.each([
    ['REDIS_ULR', 'REDIS_URL'],
    ['DATABASE_URI', 'DATABASE_URL'],
    ['PROT', 'PORT'],
    ['ADMIN_APIKEY', 'ADMIN_API_KEY'],
    ['redis_url', 'REDIS_URL'],
    ['REDIS_URL_SESSION', 'REDIS_URL_SESSIONS'],
  ])('%s is probably %s', (name, meant) => {
    expect(read({ [name]: 'x' }).warnings).toEqual([`${name} is read by nobody; did you mean ${meant}?`]);
  });

  it('names the roles when a role does not exist', () => {
    expect(read({ REDIS_URL_SEARCH: 'x' }).warnings[0]).toContain('REDIS_URL_<ROLE> takes SESSIONS, LLM, RATELIMIT');
  });

  it.each(['HOME', 'PATH', 'POST', 'HOSTNAME', 'REDIS_PORT', 'REDIS_SERVICE_HOST', 'NODE_ENV', 'npm_config_cache'])(
    'says nothing of %s',
    (name) => {
      expect(read({ [name]: 'x' }).warnings).toEqual([]);
    },
  );

  it('reads the time of a family that exists and warns of one that does not', () => {
    const families = ['llm.response', 'ai.campaign_messages'];
    const env = { ...REQUIRED, TTL_AI_CAMPAIGN_MESSAGES: '60', TTL_LLM_RESPONS: 'x', TTL_NOTHING_LIKE_IT: 'x' };
    const environment = readEnvironment(env, { families });
    expect(environment.ttl.secondsByFamily).toEqual({ AI_CAMPAIGN_MESSAGES: 60 });
    expect(environment.warnings).toEqual([
      'TTL_LLM_RESPONS is read by nobody; did you mean TTL_LLM_RESPONSE?',
      'TTL_NOTHING_LIKE_IT is read by nobody; no family of the keyspace has that id',
    ]);
  });

  it('warns of a guessable admin key and of an open door', () => {
    const { warnings } = read({ ADMIN_API_KEY: 'short', ANONYMOUS_SCOPES: 'admin' });
    expect(warnings).toHaveLength(2);
    expect(warnings.join()).not.toContain('"short"');
  });
});

describe('trap 30: no secret leaves the environment', () => {
  const SECRETS = [
    'REDIS_URL',
    'REDIS_URL_LLM',
    'REDIS_PASSWORD',
    'DATABASE_URL',
    'MONGO_URL',
    'ADMIN_API_KEY',
    'ENCRYPTION_KEY',
    'OPENAI_API_KEY',
    'OPENAI_BASE_URL',
    'ANTHROPIC_API_KEY',
    'TEMP_STORE_URL',
  ];
  const secretText = fc
    .string({ minLength: 8, maxLength: 40, unit: 'grapheme' })
    .filter((text) => text.trim().length >= 8);

  it('trap 30: whatever is wrong with a secret, the error does not repeat it', () => {
    const mangled = fc.tuple(
      secretText,
      fc.constantFrom('', 'redis://:', 'postgres://u:', 'https://u:', 'mongodb://', 's3:'),
      fc.constantFrom('', '@h', '@h:x/y', '/@h#'),
    );
    fc.assert(
      fc.property(fc.constantFrom(...SECRETS), mangled, (name, [secret, before, after]) => {
        try {
          const environment = read({ [name]: `${before}${secret}${after}` });
          const shown = `${JSON.stringify(environment)}${inspect(environment, { depth: 9 })}${String(environment.redis.url)}`;
          // A text that is a legal URL of a legal host is not a secret; only what stands where passwords stand is.
          if (after === '@h' && before.endsWith(':')) expect(shown).not.toContain(secret);
        } catch (error) {
          if (!(error instanceof EnvironmentError)) throw error;
          const ours = refused({ [name]: undefined, PORT: 'x' });
          if (!ours.includes(secret)) expect(error.message).not.toContain(secret);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('trap 30: an environment that is logged shows none of its secrets', () => {
    const env = {
      REDIS_URL: 'redis://user:hunter2redis@cache:6379/5',
      DATABASE_URL: 'postgres://app:hunter2pg@db:5432/app?sslpassword=hunter2ssl',
      MONGO_URL: 'mongodb://app:hunter2mongo@m1,m2/content?authSource=hunter2auth',
      ADMIN_API_KEY: 'hunter2-admin-key-is-long-enough',
      OPENAI_API_KEY: 'sk-hunter2openai',
      TEMP_STORE_URL: 's3://AKIA:hunter2s3@bucket/prefix',
      ENCRYPTION_KEY: Buffer.alloc(32, 'hunter2encryption').toString('base64'),
    };
    const environment = readEnvironment(env);
    const shown = JSON.stringify(environment) + inspect(environment, { depth: 9, showHidden: true });
    expect(shown).not.toContain('hunter2');
    expect(shown).not.toContain(env.ENCRYPTION_KEY);
    expect(String(environment.redis.url)).toBe('redis://cache:6379/5');
    expect(String(environment.database.url)).toBe('postgres://db:5432/app');
    expect(String(environment.database.mongoUrl)).toBe('mongodb://m1,m2/content');
    expect(environment.database.url.reveal()).toBe(env.DATABASE_URL);
  });

  it('trap 30: a password with a raw @ # ? or / is refused, not shown as a host', () => {
    for (const url of ['redis://user:12/34@host', 'redis://user:12?34@host', 'redis://user:12#34@host']) {
      const message = refused({ REDIS_URL: url });
      expect(message).toContain(`REDIS_URL: got a value of ${url.length} characters that begins with redis://`);
      expect(message).not.toContain('34');
    }
  });
});

describe('properties of the parser', () => {
  it('an integer is itself, and nothing else is one', () => {
    fc.assert(
      fc.property(fc.oneof(fc.integer({ min: -10, max: 70_000 }).map(String), fc.string()), (text) => {
        const trimmed = text.trim();
        const legal = /^\d{1,15}$/.test(trimmed) && Number(trimmed) <= 65_535;
        if (legal || trimmed === '')
          expect(read({ PORT: text }).api.port).toBe(trimmed === '' ? 3000 : Number(trimmed));
        else expect(refused({ PORT: text })).toContain('PORT: got ');
      }),
    );
  });

  it('whatever all variables are set to, there is an environment or a line per bad variable', () => {
    const names = [
      'HOST',
      'PORT',
      'REDIS_URL',
      'REDIS_CLUSTER_NODES',
      'REDIS_SENTINELS',
      'TRUSTED_PROXIES',
      'ENCRYPTION_KEY',
      'MONGO_URL',
      'TEMP_STORE_URL',
      'TEMP_MAX_BYTES',
      'ANONYMOUS_SCOPES',
      'REDIS_DB_CACHE',
      'TTL_LEAD',
      'OPENAI_BASE_URL',
    ];
    const values = fc.oneof(
      fc.string(),
      fc.webUrl(),
      fc.ipV4(),
      fc.ipV6(),
      fc.integer().map(String),
      fc.string({ unit: 'binary' }),
    );
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...names), values), (env) => {
        try {
          expect(read(env).api.port).toBeGreaterThanOrEqual(0);
        } catch (error) {
          if (!(error instanceof EnvironmentError)) throw error;
          expect(error.message.split('\n')).toHaveLength(error.problems.length + 1);
          expect(new Set(error.problems.map((problem) => problem.variable)).size).toBe(error.problems.length);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
