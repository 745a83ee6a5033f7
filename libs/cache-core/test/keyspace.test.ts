import * as fc from 'fast-check';
import { catalogue, hourText, keyspace, parseKey, ROLES, type Family } from '../src/index.js';
import { CONTRACT } from './contract-families.js';

const families: readonly Family[] = catalogue.families;
const HASH = '7f'.repeat(32);

const anyString = fc
  .array(
    fc.oneof(
      fc.integer({ min: 0, max: 0xffff }),
      fc.constantFrom(...[...'ab:*?[]{}\\% ./_meta'].map((c) => c.charCodeAt(0))),
    ),
    {
      maxLength: 12,
    },
  )
  .map((units) => String.fromCharCode(...units));
const literals = [...new Set(families.flatMap((family) => family.pattern.split(':')))].filter(
  (part) => !part.startsWith('{'),
);
/** What a caller may send, and what would be most likely to meet another family. */
const hostileText = fc.oneof(
  anyString,
  fc.constantFrom(...literals, HASH, '2026-11-21', 'tenant', 'meta', '', '..', '\0', 'default'),
);
const time = fc.date({ min: new Date('1970-01-01'), max: new Date('2999-12-31'), noInvalidDate: true });

const BY_SHAPE: Readonly<Record<string, fc.Arbitrary<string>>> = {
  text: hostileText,
  company: hostileText,
  sha256: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex')),
  uuid: fc.uuid(),
  day: time.map((at) => at.toISOString().slice(0, 10)),
  'day-hour': time.map((at) => at.toISOString().slice(0, 13).replace('T', '-')),
  'day-minute': time.map((at) => at.toISOString().slice(0, 16).replace(/[T:]/g, '-')),
  hour: time.map(hourText),
};

function familyOf(id: string): Family {
  const family = catalogue.family(id);
  if (family === undefined) throw new Error(`there is no family ${id}`);
  return family;
}

function inputsOf(family: Family): fc.Arbitrary<Record<string, string>> {
  const entries = family.tokens.flatMap((token) => {
    if (!('segment' in token)) return [];
    const { values, name } = token.shape;
    const arbitrary = values === undefined ? BY_SHAPE[name] : fc.constantFrom(...values);
    if (arbitrary === undefined) throw new Error(`no arbitrary for shape ${name}`);
    return [[token.segment, arbitrary] as const];
  });
  return fc.record(Object.fromEntries(entries));
}

const anyKey = fc.constantFrom(...families.map(({ id }) => id)).chain((id) =>
  fc.record({
    id: fc.constant(id),
    segments: inputsOf(familyOf(id)),
    tenant: fc.oneof(fc.constant('default'), hostileText),
  }),
);

describe('the documented families', () => {
  it.each(CONTRACT)('%s is %s (%s, %s s, role %s)', (id, pattern, redisType, ttlSeconds, role) => {
    const family = catalogue.family(id);
    expect(family).toMatchObject({ pattern, redisType, ttlSeconds, role });
  });

  it('are joined only by families of our own', () => {
    const documented = new Set(CONTRACT.map(([id]) => id));
    const own = families.map(({ id }) => id).filter((id) => !documented.has(id));
    expect(own.toSorted()).toEqual([
      'cache.operation',
      'cache.operations',
      'live.stream',
      'llm.models',
      'llm.rotation',
      'lock.named',
      'mcp.listener',
      'mcp.traffic',
      'nest.value',
      'ratelimit.processes',
      'ratelimit.receipt',
      'semantic.evidence',
      'semantic.questions',
      'semantic.served',
    ]);
  });

  it('are found under their ids in camel case', () => {
    const camelCase = (id: string) => id.replaceAll(/[._]([a-z])/g, (_match, letter: string) => letter.toUpperCase());
    for (const [name, family] of Object.entries(keyspace)) expect(name).toBe(camelCase(family.id));
  });

  it('leave what may not be lost where nothing is evicted', () => {
    const evictable = Object.entries(ROLES).filter(([, traits]) => traits.evictable);
    expect(evictable.map(([role]) => role).toSorted()).toEqual(['cache', 'llm', 'temp']);
    expect(keyspace.liveStream.role).toBe('state');
  });
});

describe('keys', () => {
  it('are the documented ones', () => {
    expect(keyspace.llmResponse.at({ hash: HASH }).key).toBe(`llm_cache:${HASH}`);
    expect(keyspace.surfsense.at({ empresa_normalizada: 'Peña S.A.' }).key).toBe('surfsense:pena_s.a.');
    expect(keyspace.surfsense.at({ empresa_normalizada: 'pena s.a.' }).key).toBe('surfsense:pena_s.a.');
    expect(
      keyspace.ratelimitClient.at({ client: 'web', service: 'openai', 'yyyy-mm-dd-HH-MM': '2026-11-21-09-05' }).key,
    ).toBe('ratelimit:web:openai:minute:2026-11-21-09-05');
    expect(keyspace.testConnection.at({}).key).toBe('test:connection');
  });

  it('of other tenants stand behind their name, unless a hash isolates them', () => {
    expect(keyspace.session.at({ user_id: '7' }).key).toBe('session:7');
    expect(keyspace.session.at({ user_id: '7' }, 'acme').key).toBe('tenant:acme:session:7');
    expect(keyspace.session.at({ user_id: '7' }, 'a:b').key).toBe('tenant:a%3Ab:session:7');
    // A token's hash is of the bare token: two tenants may hold the same one.
    expect(keyspace.blacklist.at({ token_hash: HASH }, 'acme').key).toBe(`tenant:acme:blacklist:${HASH}`);
    const response = keyspace.llmResponse.at({ hash: HASH }, 'acme');
    expect(response).toMatchObject({ key: `llm_cache:${HASH}`, tenant: 'acme' });
  });

  it('are refused where a segment is missing, unknown, or not of its shape', () => {
    const lead: Family = keyspace.lead;
    const refused = (segments: Record<string, string>, code: string) => {
      expect(() => lead.at(segments)).toThrow(expect.objectContaining({ code, family: 'lead' }));
    };
    refused({}, 'segment_missing');
    refused({ uuid: undefined as unknown as string }, 'segment_missing');
    refused({ uuid: 7 as unknown as string }, 'segment_missing');
    refused({ id: 'x' }, 'segment_missing');
    refused({ uuid: '0b0e2a52-5a7e-4f0a-9d4e-0f6c1f2e3d4c', id: 'x' }, 'segment_unknown');
    refused({ uuid: 'not-a-uuid' }, 'segment_shape');
    expect(() => (keyspace.llmResponse as Family).at({ hash: HASH.toUpperCase() })).toThrow(
      expect.objectContaining({ code: 'segment_shape' }),
    );
    expect(() => (keyspace.metricsHour as Family).at({ hour: '2026112124' })).toThrow(
      expect.objectContaining({ code: 'segment_shape' }),
    );
    expect(() => (keyspace.queueAiGeneration as Family).at({ priority: 'urgent' })).toThrow(
      expect.objectContaining({ code: 'segment_shape' }),
    );
  });

  it('trap 12: a segment named __proto__ is no segment', () => {
    const segments = JSON.parse('{"__proto__":"x"}') as Record<string, string>;
    expect(() => (keyspace.userPrefs as Family).at(segments)).toThrow(
      expect.objectContaining({ code: 'segment_missing' }),
    );
    expect(() => (keyspace.userPrefs as Family).at({ toString: 'x' })).toThrow(
      expect.objectContaining({ code: 'segment_missing' }),
    );
  });
});

describe('trap 12: hostile segments in every family', () => {
  it('are read back from the key as they were given, in the same family and no other', () => {
    fc.assert(
      fc.property(anyKey, ({ id, segments, tenant }) => {
        const family = familyOf(id);
        const ref = family.at(segments, tenant);
        const parsed = parseKey(ref.key);
        expect(parsed?.family.id).toBe(id);
        expect(parsed?.tenant).toBe(family.isolatedByIdentity ? null : tenant);
        expect(parsed?.abbreviated).toEqual([]);
        expect(family.at(parsed?.segments ?? {}, tenant).key).toBe(ref.key);
        if (id !== 'surfsense') expect(parsed?.segments).toEqual(segments);
      }),
      { numRuns: 2000 },
    );
  });

  it('never give one key for two inputs', () => {
    fc.assert(
      fc.property(fc.array(anyKey, { minLength: 20, maxLength: 60 }), (inputs) => {
        const owners = new Map<string, string>();
        for (const input of inputs) {
          const family = familyOf(input.id);
          // Companies are folded on purpose.
          if (input.id === 'surfsense') continue;
          const { key } = family.at(input.segments, input.tenant);
          const tenant = family.isolatedByIdentity ? null : input.tenant;
          const owner = JSON.stringify([input.id, family.segmentNames.map((name) => input.segments[name]), tenant]);
          expect(owners.get(key) ?? owner).toBe(owner);
          owners.set(key, owner);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('of 10 kB are shortened, told as such, and kept apart', () => {
    const [a, b] = ['a'.repeat(10_000), 'b'.repeat(10_000)];
    const one = keyspace.session.at({ user_id: a });
    expect(one.key.length).toBeLessThan(100);
    expect(one.key).not.toBe(keyspace.session.at({ user_id: b }).key);
    const parsed = parseKey(one.key);
    expect(parsed).toMatchObject({ abbreviated: ['user_id'], tenant: 'default' });
    expect(parsed?.family).toBe(keyspace.session);
    // What is read from a shortened key is not taken for its input.
    expect(keyspace.session.at({ user_id: parsed?.segments['user_id'] ?? '' }).key).not.toBe(one.key);
    expect(parseKey(keyspace.session.at({ user_id: '1' }, a).key)?.abbreviated).toEqual(['tenant']);
  });
});

describe('parseKey', () => {
  it.each([
    ['', 'nothing'],
    ['unknown:1', 'a family that is not ours'],
    ['session', 'too few segments'],
    ['session:1:2', 'too many segments, as from a writer that does not escape'],
    ['session:a b', 'white space that should be escaped'],
    ['session:%3a', 'an escape in another spelling'],
    ['session:%41', 'an escape of what needs none'],
    ['tenant:default:session:1', 'the default tenant by name'],
    ['tenant:acme', 'a tenant without a key'],
    ['tenant:a:tenant:b:session:1', 'a tenant inside a tenant'],
    [`tenant:acme:llm_cache:${HASH}`, 'a tenant before a hash that isolates'],
    ['llm_cache:xyz', 'a hash that is none'],
    [`llm_cache:%~${HASH}`, 'an abbreviation where a hash belongs'],
    ['surfsense:Peña', 'a company that was not folded'],
    ['queue:ai_generation:urgent', 'a value that is not in the list'],
    ['metrics:hour:2026-11-21', 'a day where an hour belongs'],
    [`meta:{llm_cache:${HASH}}`, 'a companion'],
  ])('knows %j for none of ours: %s', (key) => {
    expect(parseKey(key)).toBeNull();
  });

  it('tells families apart that begin alike', () => {
    const ids = [
      `ai:generation:meta:${HASH}`,
      `ai:generation:meta:c1:${HASH}`,
      `content:search:${HASH}`,
      `content:search:c1:${HASH}`,
      'config:api',
      'config:api:github',
      'metrics:hour:2026112109',
      'metrics:hour:hour:2026112109',
      'metrics:content:c1',
      'ratelimit:mcp:u1:minute',
      'ratelimit:mcp:s:minute:2026-11-21-09-05',
      'ratelimit:mcp:t:c:hour:2026-11-21-09',
      'etl:last_sync:crm',
      'etl:last_sync:crm:leads',
    ].map((key) => parseKey(key)?.family.id);
    expect(ids).toEqual([
      'ai.generation',
      'ai.generation.meta',
      'content.search',
      'content.search.campaign',
      'config.key',
      'config.api',
      'metrics.hour',
      'metrics.named',
      'metrics.content',
      'ratelimit.service',
      'ratelimit.client',
      'ratelimit.mcp',
      'etl.last_sync.collection',
      'etl.last_sync.table',
    ]);
  });
});
