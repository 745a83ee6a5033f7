/**
 * Both ways of PostgreSQL to compare vectors, against comparing them here: on a real server, and with pgvector on PGlite,
 * which is PostgreSQL as a library, with that extension.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { createDatabase } from '@promptsales/test-kit';
import { dot, LexicalEmbedder, toUnit } from '@promptsales/semantics';
import fc from 'fast-check';
import { Kysely, PostgresDialect, sql } from 'kysely';
import { Pool } from 'pg';
import { putContent, type ContentTables } from '../src/content/content-rows.js';
import { CONTENT_MIGRATIONS } from '../src/index.js';
import { PostgresSource } from '../src/search/postgres-source.js';
import { scored, type Match } from '../src/search/vector-source.js';

type Db = Kysely<ContentTables>;

const SPACE = 'test';
const FIELDS = {
  cliente_id: 'k',
  descripcion: 'd',
  hashtags: ['#h'],
  url_thumbnail: null,
  formato: 'png',
  aprobado: true,
  created_at: null,
};

interface Place {
  readonly url: string;
  readonly connections: number;
  readonly stop: () => unknown;
}

const places: Record<string, () => Promise<Place>> = {
  'PostgreSQL alone': async () => {
    const database = await createDatabase();
    return { url: database.url, connections: 2, stop: () => database.drop() };
  },
  'pgvector on PGlite': async () => {
    const child = fork(join(import.meta.dirname, 'pglite-server.mjs'), { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
    const [line] = (await once(child.stdout as Readable, 'data')) as [Buffer];
    const port = /^ready (\d+)/.exec(String(line))?.[1];
    return {
      url: `postgres://postgres@127.0.0.1:${port}/postgres`,
      connections: 1,
      stop: () => (child.kill(), once(child, 'exit')),
    };
  },
};

describe.each(Object.keys(places))('content is searched by %s', (name) => {
  let db: Db;
  let place: Place;
  let source: PostgresSource;
  let tenants = 0;

  beforeAll(async () => {
    place = await (places[name] as (typeof places)[string])();
    const pool = new Pool({ connectionString: place.url, max: place.connections });
    db = new Kysely<ContentTables>({ dialect: new PostgresDialect({ pool }) });
    if (name.startsWith('pgvector')) await sql`create extension vector`.execute(db);
    for (const migration of Object.values(CONTENT_MIGRATIONS.migrations)) await migration.up(db as never);
    source = new PostgresSource(() => db);
  });
  afterAll(async () => {
    await db.destroy();
    await place.stop();
  });

  const put = (tenant: string, id: string, of: readonly number[], more: object = {}) =>
    putContent(
      db,
      tenant,
      id,
      { ...FIELDS, campana_id: 'c', url_almacenamiento: `https://x/${id}`, ...more },
      { space: SPACE, vector: of },
    );
  const unit = (numbers: readonly number[]): Float32Array => toUnit(Float32Array.from(numbers));
  const search = (tenant: string, of: Float32Array, more: object = {}) =>
    source.search({ tenant, campanaId: null, space: SPACE, vector: of, limit: 100, ...more });
  const ids = (found: readonly Match[]) => found.map(({ id }) => id);

  it('exactly: in the order and with the similarities of comparing every vector', async () => {
    const numbers = fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 4, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(fc.array(numbers, { minLength: 1, maxLength: 12 }), numbers, async (contents, asked) => {
        const tenant = `t${(tenants += 1)}`;
        const vectors = contents.map(unit);
        for (const [at, of] of vectors.entries()) await put(tenant, String(at), [...of]);
        const query = unit(asked);
        const found = await search(tenant, query);
        const best = vectors
          .map((of, at) => ({ id: String(at), score: scored(dot(of, query)) }))
          .toSorted((one, other) => other.score - one.score);
        expect(found.map(({ score }) => score)).toEqual(best.map(({ score }) => expect.closeTo(score, 5) as number));
        for (const { id, score } of found)
          expect(score).toBeCloseTo(scored(dot(vectors[Number(id)] as Float32Array, query)), 5);
      }),
      { numRuns: 15 },
    );
  });

  it('only in its tenant, its campaign and its space, and only what has an address', async () => {
    const one = unit([1, 0, 0, 0]);
    await put('mine', 'a', [...one]);
    await put('mine', 'b', [...one], { campana_id: 'other' });
    await put('mine', 'nowhere', [...one], { url_almacenamiento: null });
    await put('mine', 'thumbnail', [...unit([1, 1, 0, 0])], { url_almacenamiento: null, url_thumbnail: 'https://x/t' });
    await put('yours', 'a', [...one]);
    await putContent(db, 'mine', 'unplaced', { ...FIELDS, campana_id: 'c', url_almacenamiento: 'https://x/u' }, null);
    await put('mine', 'shorter', [1, 0]);
    expect(ids(await search('mine', one))).toEqual(['a', 'b', 'thumbnail']);
    expect(ids(await search('mine', one, { campanaId: 'c' }))).toEqual(['a', 'thumbnail']);
    expect(ids(await search('mine', one, { limit: 1 }))).toEqual(['a']);
    expect(await search('mine', one, { space: 'another' })).toEqual([]);
    expect(await source.images('mine', ['thumbnail', 'nowhere', 'gone'])).toEqual(
      new Map([['thumbnail', { id: 'thumbnail', url: 'https://x/t', hashtags: ['#h'] }]]),
    );
  });

  it('with equals by their id, whatever the digits that nobody is shown', async () => {
    await put('equal', 'b', [1, 0]);
    await put('equal', 'a', [0.999_999_8, 0]);
    const found = await search('equal', Float32Array.from([1, 0]));
    expect(found.map(({ id, score }) => [id, score])).toEqual([
      ['a', 1],
      ['b', 1],
    ]);
  });

  it('by the built-in vectors of texts', async () => {
    const embedder = new LexicalEmbedder();
    const texts = ['a red bicycle', 'a white ship', 'fresh bread'];
    const { vectors } = await embedder.embed([...texts, 'a bicycle, red']);
    for (const [at, text] of texts.entries()) await put('texts', text, [...(vectors[at] as Float32Array)]);
    expect(ids(await search('texts', vectors[3] as Float32Array))[0]).toBe('a red bicycle');
  });
});
