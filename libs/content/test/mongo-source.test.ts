/**
 * MongoDB's vector search by the official driver: always against recorded answers, and against a server with Atlas Search
 * where `MONGO_URL` names one.
 */
import { MongoClient, ObjectId } from 'mongodb';
import { MongoSource } from '../src/index.js';
import { RecordedMongo } from './recorded-mongo.js';

const ASKED = {
  tenant: 'acme',
  campanaId: null,
  space: 'test',
  vector: Float32Array.from([0.5, -0.5, 0.5, -0.5]),
  limit: 3,
};

describe('against recorded answers', () => {
  let mongo: RecordedMongo;
  let source: MongoSource;

  beforeAll(async () => {
    mongo = await RecordedMongo.start();
    source = new MongoSource({ url: mongo.url, timeoutMs: 60_000 });
  });
  afterAll(async () => {
    await source.close();
    await mongo.stop();
  });
  beforeEach(() => {
    mongo.commands.length = 0;
  });

  const batch = (...firstBatch: object[]) => {
    mongo.answer = () => ({ cursor: { firstBatch, id: 0n, ns: 'content.contents' }, ok: 1 });
  };

  it('asks for the nearest of the tenant, and tells cosines', async () => {
    batch(
      { _id: 'b', url_thumbnail: 'https://x/b', hashtags: ['#h', 7], score: 0.75 },
      { _id: 7, content_id: 'a', url_almacenamiento: 'https://x/a', score: 0.9 },
      { _id: 'nowhere', score: 1 },
    );
    expect(await source.search(ASKED)).toEqual([
      { id: 'a', url: 'https://x/a', hashtags: [], score: 0.8 },
      { id: 'b', url: 'https://x/b', hashtags: ['#h'], score: 0.5 },
    ]);
    expect(mongo.commands).toEqual([
      expect.objectContaining({
        aggregate: 'contents',
        $db: 'content',
        maxTimeMS: expect.any(Number),
        pipeline: [
          {
            $vectorSearch: {
              index: 'contents_by_embedding',
              path: 'embedding',
              queryVector: [0.5, -0.5, 0.5, -0.5],
              numCandidates: 60,
              limit: 3,
              filter: { tenant: 'acme' },
            },
          },
          expect.objectContaining({ $project: expect.objectContaining({ score: { $meta: 'vectorSearchScore' } }) }),
        ],
      }),
    ]);
  });

  it('asks within a campaign', async () => {
    batch();
    expect(await source.search({ ...ASKED, campanaId: 'c1' })).toEqual([]);
    const [{ pipeline }] = mongo.commands as [{ pipeline: [{ $vectorSearch: { filter: unknown } }] }];
    expect(pipeline[0].$vectorSearch.filter).toEqual({ tenant: 'acme', campana_id: 'c1' });
  });

  it('tells what is to be shown of ids', async () => {
    batch({ _id: 'a', url_almacenamiento: 'https://x/a', hashtags: ['#h'] });
    expect(await source.images('acme', ['a', 'gone'])).toEqual(
      new Map([['a', { id: 'a', url: 'https://x/a', hashtags: ['#h'] }]]),
    );
    const named = { $in: ['a', 'gone'] };
    expect(mongo.commands).toEqual([
      expect.objectContaining({
        find: 'contents',
        filter: { tenant: 'acme', $or: [{ _id: named }, { content_id: named }] },
      }),
    ]);
  });

  it('knows a document by the id that MongoDB has given to it', async () => {
    const given = new ObjectId();
    batch({ _id: given, url_almacenamiento: 'https://x/a', score: 1 });
    const [found] = await source.search(ASKED);
    expect(found?.id).toBe(given.toHexString());
    mongo.commands.length = 0;
    expect([...(await source.images('acme', [found?.id ?? ''])).keys()]).toEqual([given.toHexString()]);
    const [{ filter }] = mongo.commands as [{ filter: { $or: [{ _id: { $in: unknown[] } }] } }];
    expect(filter.$or[0]._id.$in).toContainEqual(given);
  });

  it('fails as the server fails, a server without vector search among them', async () => {
    mongo.answer = () => ({
      ok: 0,
      code: 31_082,
      codeName: 'SearchNotEnabled',
      errmsg: '$vectorSearch needs Atlas Search',
    });
    await expect(source.search(ASKED)).rejects.toMatchObject({
      status: 503,
      cause: { message: '$vectorSearch needs Atlas Search' },
    });
  });

  it('does not wait for a server that is silent', async () => {
    const silent = new MongoSource({ url: mongo.url, timeoutMs: 50 });
    mongo.answer = () => null;
    await expect(silent.search(ASKED)).rejects.toMatchObject({ status: 503 });
    await silent.close();
  });
});

const { MONGO_URL } = process.env;

(MONGO_URL === undefined ? describe.skip : describe)('against the server of MONGO_URL', () => {
  const collection = `contents_${process.pid}`;
  const index = 'by_embedding';
  let client: MongoClient;
  let source: MongoSource;

  beforeAll(async () => {
    client = new MongoClient(MONGO_URL as string);
    const contents = await client.db().createCollection(collection);
    await contents.insertMany([
      {
        content_id: 'near',
        tenant: 'acme',
        campana_id: 'c',
        url_almacenamiento: 'https://x/1',
        embedding: [0.5, -0.5, 0.5, -0.5],
      },
      {
        content_id: 'far',
        tenant: 'acme',
        campana_id: 'd',
        url_almacenamiento: 'https://x/2',
        embedding: [-0.5, 0.5, -0.5, 0.5],
      },
      {
        content_id: 'near',
        tenant: 'globex',
        campana_id: 'c',
        url_almacenamiento: 'https://x/3',
        embedding: [0.5, -0.5, 0.5, -0.5],
      },
    ]);
    await contents.createSearchIndex({
      name: index,
      type: 'vectorSearch',
      definition: {
        fields: [
          { type: 'vector', path: 'embedding', numDimensions: 4, similarity: 'cosine' },
          { type: 'filter', path: 'tenant' },
          { type: 'filter', path: 'campana_id' },
        ],
      },
    });
    source = new MongoSource({ url: MONGO_URL as string, collection, index });
    for (;;) {
      const [state] = await contents.listSearchIndexes(index).toArray();
      if ((state as { queryable?: boolean } | undefined)?.queryable === true) break;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  });
  afterAll(async () => {
    await client.db().dropCollection(collection);
    await client.close();
    await source.close();
  });

  it('finds the nearest of the tenant, and of its campaign', async () => {
    const found = await source.search(ASKED);
    expect(found.map(({ id, url, score }) => [id, url, score])).toEqual([
      ['near', 'https://x/1', 1],
      ['far', 'https://x/2', -1],
    ]);
    expect((await source.search({ ...ASKED, campanaId: 'd' })).map(({ id }) => id)).toEqual(['far']);
  });
});
