import * as fc from 'fast-check';
import { keyspace } from '../keyspace/keyspace.js';
import { FamilyGlob } from './family-glob.js';
import { GlobRefusedError, type GlobRefusal } from './glob-refused-error.js';

const HASH = 'a'.repeat(64);
const UUID = '0b7c3a52-6f2e-4b0e-9d0a-3f7c5a1f9a10';

function refusalOf(text: string, tenant?: string): GlobRefusedError {
  try {
    FamilyGlob.parse(text, tenant);
  } catch (error) {
    if (error instanceof GlobRefusedError) return error;
    throw error;
  }
  throw new Error(`${text} is not refused`);
}

describe('a pattern over keys', () => {
  test.each([
    ['app:*', 'app.value', 'app:*'],
    ['app:report-??', 'app.value', 'app:report-??'],
    ['app:exactly', 'app.value', 'app:exactly'],
    ['lead:*', 'lead', 'lead:*'],
    ['llm_cache:*', 'llm.response', 'llm_cache:*'],
    ['config:*', 'config.key', 'config:*'],
    ['config:api:*', 'config.api', 'config:api:*'],
    ['content:search:*', 'content.search', 'content:search:*'],
    ['content:search:*:*', 'content.search.campaign', 'content:search:*:*'],
    ['api:call:*', 'api.call', 'api:call:*:*:*'],
    ['api:call:weather:*', 'api.call', 'api:call:weather:*:*'],
    ['api:call:*:get:*', 'api.call', 'api:call:*:get:*'],
  ])('%s lies in %s', (text, id, shown) => {
    const glob = FamilyGlob.parse(text);
    expect([glob.family.id, glob.text]).toEqual([id, shown]);
  });

  test.each<[string, GlobRefusal]>([
    ['', 'form'],
    ['*', 'everything'],
    ['*:*', 'everything'],
    ['?pp:*', 'everything'],
    ['app*', 'everything'],
    ['app', 'no_single_family'],
    ['app:', 'no_single_family'],
    ['app:a:b', 'no_single_family'],
    ['mcp:*', 'no_single_family'],
    ['mcp:*:a:b:*', 'no_single_family'],
    ['ai:generation*:*:*', 'no_single_family'],
    ['nothing:*', 'unknown_family'],
    ['meta:{app:*', 'companions'],
    ['meta:*', 'companions'],
    ['lease:*', 'companions'],
    ['frames:*', 'companions'],
    ['tenant:*', 'tenant'],
    ['tenant:*:app:*', 'tenant'],
    ['tenant:globex:app:*', 'tenant'],
    ['session:*', 'not_a_cache'],
    ['blacklist:*', 'not_a_cache'],
    ['lock:*', 'not_a_cache'],
    ['app:[a', 'form'],
    ['app:a b', 'form'],
    ['app:\u0000*', 'form'],
    ['app:\\*', 'form'],
    ['app:{a}*', 'form'],
    [`app:${'x'.repeat(2000)}`, 'form'],
  ])('trap 3: %s is refused', (text, refusal) => {
    expect(refusalOf(text)).toMatchObject({ refusal, code: 'pattern_refused' });
  });

  test('a refusal says what is possible instead', () => {
    expect(refusalOf('mcp:*').allowed).toEqual(['mcp:call:*:*:*', 'mcp:server:status:*', 'mcp:tool:*:*:*']);
    expect(refusalOf('mcp:*').message).toContain('mcp:tool:*:*:*');
    expect(refusalOf('tenant:globex:app:*', 'acme').message).not.toContain('acme');
  });

  test.each([
    ['api:call:weather', ['api:call:weather:*']],
    ['api:call:weather:get', ['api:call:weather:get:*']],
    ['api:call:weather:', ['api:call:weather:*']],
    ['api:call', ['api:call:*']],
    ['lead', ['lead:*']],
    ['content:search', ['content:search:*']],
    ['lead:a:b', ['lead:*']],
    // No family of copies begins so.
    ['session', []],
  ])('a refusal of %s says what was probably meant, and that is taken', (text, allowed) => {
    expect(refusalOf(text)).toMatchObject({ refusal: 'no_single_family', allowed });
    for (const one of allowed) expect(() => FamilyGlob.parse(one)).not.toThrow();
  });

  test('trap 3: covers its own family and nothing that looks like it', () => {
    const glob = FamilyGlob.parse('content:search:*');
    expect(glob.covers(`content:search:${HASH}`)).toBe(true);
    expect(glob.covers('content:search:written by hand')).toBe(true);
    for (const other of [
      `content:search:42:${HASH}`,
      'content:by_id:42',
      'content:search',
      `tenant:acme:content:search:${HASH}`,
      `meta:{content:search:${HASH}}`,
    ]) {
      expect([other, glob.covers(other)]).toEqual([other, false]);
    }
  });

  test('trap 7: is about one tenant’s keys', () => {
    const own = FamilyGlob.parse('app:*', 'acme');
    expect(own.covers('tenant:acme:app:x')).toBe(true);
    for (const other of ['app:x', 'tenant:acme2:app:x', 'tenant:globex:app:x']) expect(own.covers(other)).toBe(false);
    expect(FamilyGlob.parse('app:*').covers('tenant:acme:app:x')).toBe(false);
    expect(FamilyGlob.parse('tenant:acme:app:*', 'acme').covers('tenant:acme:app:x')).toBe(true);
    expect(refusalOf('tenant:default:app:*').refusal).toBe('tenant');
    const hostile = FamilyGlob.parse('app:*', 'a:*');
    expect(hostile.covers(keyspace.appValue.at({ key: 'x' }, 'a:*').key)).toBe(true);
    expect(hostile.covers('tenant:a:b:app:x')).toBe(false);
  });

  test('knows which are for administrators', () => {
    expect(FamilyGlob.parse('llm_cache:*', 'acme').reachesAllTenants).toBe(true);
    expect(FamilyGlob.parse('llm_cache:*', 'acme').covers(`llm_cache:${HASH}`)).toBe(true);
    expect(FamilyGlob.parse('app:*', 'acme').reachesAllTenants).toBe(false);
  });

  test('can be made of some of a family’s segments', () => {
    expect(FamilyGlob.of(keyspace.apiCall, { service: 'a:b*' }).text).toBe('api:call:a%3Ab%2A:*:*');
    expect(FamilyGlob.of(keyspace.lead, { uuid: UUID }).text).toBe(`lead:${UUID}`);
    expect(() => FamilyGlob.of(keyspace.lead, { id: UUID })).toThrow(/no segment "id"/);
    expect(() => FamilyGlob.of(keyspace.lead, { uuid: '*' })).toThrow(/takes a UUID/);
  });

  test('says what its keys begin with', () => {
    expect(FamilyGlob.parse('app:*').root).toBe('app:');
    expect(FamilyGlob.parse('mcp:server:status:we*', 'acme').root).toBe('tenant:acme:mcp:server:status:we');
    expect(FamilyGlob.parse('app:x').root).toBe('app:x');
    expect(FamilyGlob.parse('app:*').onlyKey).toBeNull();
    expect(FamilyGlob.parse('app:x', 'acme').onlyKey).toEqual(keyspace.appValue.at({ key: 'x' }, 'acme'));
    expect(FamilyGlob.parse('app:*').wholeFamily).toBe(true);
    expect(FamilyGlob.parse('app:a*').wholeFamily).toBe(false);
  });

  test('Redis is asked for no less than is covered', () => {
    // Redis's own matching, as far as scanGlob uses it.
    const redisMatches = (glob: string, key: string): boolean =>
      new RegExp(
        `^${glob
          .split('*')
          .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`))
          .join('.*')}$`,
        's',
      ).test(key);
    const piece = fc.constantFrom('*', '?', '[ab]', '[^a]', 'a', 'b', '%3A', 'ñ');
    fc.assert(
      fc.property(
        fc.array(piece, { minLength: 1, maxLength: 12 }),
        fc.string({ unit: fc.constantFrom('a', 'b', '%3A', 'ñ'), maxLength: 12 }),
        (pieces, text) => {
          const glob = FamilyGlob.parse(`app:${pieces.join('')}`, 'acme');
          const key = `tenant:acme:app:${text}`;
          if (glob.covers(key)) expect(redisMatches(glob.scanGlob, key)).toBe(true);
          expect(key.startsWith(glob.root) || !glob.covers(key)).toBe(true);
        },
      ),
      { numRuns: 2000 },
    );
  });

  test('trap 12: no text is read as another family or tenant', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 30 }),
        fc.string({ maxLength: 8, minLength: 1 }),
        (text, tenant) => {
          let glob: FamilyGlob;
          try {
            glob = FamilyGlob.parse(`app:${text}`, tenant);
          } catch (error) {
            expect(error).toBeInstanceOf(GlobRefusedError);
            return;
          }
          expect(glob.family).toBe(keyspace.appValue);
          expect(glob.root.startsWith(keyspace.appValue.at({ key: 'x' }, tenant).key.slice(0, -1))).toBe(true);
        },
      ),
    );
  });
});
