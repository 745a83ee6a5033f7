import { Logger } from '@nestjs/common';
import { Database } from '@promptsales/database';
import { EmbedderError, LexicalEmbedder, type Embedder } from '@promptsales/semantics';
import { createDatabase, type TestDatabase } from '@promptsales/test-kit';
import { sql } from 'kysely';
import { putContent, type ContentTables } from '../src/content/content-rows.js';
import { CONTENT_MIGRATIONS, type ContentOptions } from '../src/index.js';
import { ContentSearch } from '../src/search/content-search.js';
import { Embedding } from '../src/search/embedding.js';

const FIELDS = {
  campana_id: 'c',
  cliente_id: 'k',
  hashtags: [],
  url_almacenamiento: 'https://x/1',
  url_thumbnail: null,
  formato: 'png',
  aprobado: true,
  created_at: null,
};

describe('vectors of content', () => {
  let place: TestDatabase;
  let database: Database;

  beforeAll(async () => {
    Logger.overrideLogger(false);
    place = await createDatabase();
    database = await Database.start({ url: place.url, migrations: [CONTENT_MIGRATIONS] });
  });
  afterAll(async () => {
    await database.onApplicationShutdown();
    await place.drop();
  });

  const withEmbedder = (embedder: Embedder) => {
    const options: ContentOptions = {
      callerOf: () => ({ tenant: 't' }),
      outbox: { committing: () => Promise.reject(new Error('nothing is written here')) },
      embedder,
    };
    const embedding = new Embedding(database, options);
    return { embedding, search: new ContentSearch(database, options, embedding) };
  };
  const put = async (tenant: string, id: string, descripcion: string, { embedding }: { embedding: Embedding }) => {
    const fields = { ...FIELDS, descripcion };
    await putContent(database.as<ContentTables>(), tenant, id, fields, await embedding.ofContent(tenant, fields));
  };
  const found = async (tenant: string, description: string, { search }: { search: ContentSearch }) =>
    (await search.inAll(tenant, { description, limit: 10 })).images.map(({ id }) => id);

  const lexical = new LexicalEmbedder();
  const renamed = (space: string): Embedder => ({ space, remote: false, embed: (texts) => lexical.embed(texts) });
  const failing: Embedder = {
    space: lexical.space,
    remote: true,
    embed: () => Promise.reject(new EmbedderError('embedder_unreachable', 'It is away.')),
  };

  it('that could not be made when it was stored are made before the next search', async () => {
    await put('late', 'a', 'a red bicycle', withEmbedder(failing));
    await expect(found('late', 'a bicycle', withEmbedder(failing))).rejects.toMatchObject({ status: 503 });
    expect(await found('late', 'a bicycle', withEmbedder(lexical))).toEqual(['a']);
  });

  it('are made of all texts but those that the embedder does not take, which hold up no search', async () => {
    const asked: string[][] = [];
    const picky: Embedder = {
      space: lexical.space,
      remote: true,
      embed: (texts) => {
        asked.push([...texts]);
        return texts.length > 2 || texts.some((text) => text.includes('endless'))
          ? Promise.reject(new EmbedderError('embedder_text_refused', 'It is too long.', { status: 413 }))
          : lexical.embed(texts);
      },
    };
    for (const id of ['a', 'b', 'c', 'd', 'e']) await put('picky', id, `bicycle ${id}`, withEmbedder(failing));
    const its = withEmbedder(picky);
    await put('picky', 'bb', 'an endless bicycle', its);
    expect((await found('picky', 'bicycle', its)).toSorted()).toEqual(['a', 'b', 'c', 'd', 'e']);
    asked.length = 0;
    expect(await found('picky', 'bicycle a', its)).toHaveLength(5);
    expect(asked).toEqual([['bicycle a']]);
    // Where it is the search itself that is not taken, nothing is wrong with the embedder.
    await expect(found('picky', 'endless', its)).rejects.toMatchObject({ status: 400 });
    expect(await found('picky', 'endless bicycle', withEmbedder(lexical))).toContain('bb');
  });

  it('are not offered one by one to an embedder that takes none, nor too many in one search', async () => {
    const refusing = (is: (text: string) => boolean) => {
      const embedder = jest.fn((texts: readonly string[]) =>
        texts.some(is)
          ? Promise.reject(new EmbedderError('embedder_text_refused', 'No.', { status: 400 }))
          : lexical.embed(texts),
      );
      return { embedder, its: withEmbedder({ space: lexical.space, remote: true, embed: embedder }) };
    };
    for (let at = 0; at < 30; at += 1) await put('none', `id-${at}`, `thing ${at}`, withEmbedder(failing));
    await put('none', 'short', 'short', withEmbedder(failing));
    const none = refusing(() => true);
    await expect(found('none', 'short', none.its)).rejects.toMatchObject({ status: 400 });
    expect(none.embedder).toHaveBeenCalledTimes(1);
    const most = refusing((text) => text.startsWith('thing'));
    await expect(found('none', 'short', most.its)).rejects.toMatchObject({ status: 503 });
    expect(await found('none', 'short', most.its)).toEqual(['short']);
  });

  it('of another embedder are made anew, however many', async () => {
    const [old, latest] = [withEmbedder(renamed('old')), withEmbedder(renamed('new'))];
    for (let at = 0; at < 150; at += 1) await put('many', `id-${at}`, `thing number ${at}`, old);
    expect(await found('many', 'thing number 77', latest)).toContain('id-77');
    const { rows } = await sql`select distinct space from contents where tenant = 'many'`.execute(database.as());
    expect(rows).toEqual([{ space: 'new' }]);
  });
});
