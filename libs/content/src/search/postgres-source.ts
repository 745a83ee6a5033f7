/** Exact search in PostgreSQL: every vector of the tenant, or of the campaign, is compared. */
import { sql, type Kysely, type RawBuilder } from 'kysely';
import type { ContentTables } from '../content/content-rows.js';
import {
  bestFirst,
  scored,
  type FoundImage,
  type Match,
  type VectorQuery,
  type VectorSource,
} from './vector-source.js';

/** How two vectors of length 1 are compared. */
type Similarity = (vector: RawBuilder<unknown>) => RawBuilder<number>;

/** Without any extension. */
const BY_ARRAYS: Similarity = (vector) =>
  sql<number>`(select sum(own::float8 * asked::float8) from unnest(embedding, ${vector}::real[]) as pair (own, asked))`;

/** By pgvector, which does the same fifty times as fast. */
const BY_PGVECTOR: Similarity = (vector) => sql<number>`-(embedding::vector <#> ${vector}::real[]::vector)`;

interface Row {
  readonly content_id: string;
  readonly url: string;
  readonly hashtags: readonly string[];
}

const IMAGE = sql.raw('content_id, coalesce(url_almacenamiento, url_thumbnail) as url, hashtags');
const HAS_ADDRESS = sql.raw('coalesce(url_almacenamiento, url_thumbnail) is not null');

export class PostgresSource implements VectorSource {
  readonly #db: () => Kysely<ContentTables>;
  /** Looked for once; an extension that is installed later is used from the next start. */
  #similarity: Similarity | null = null;

  constructor(db: () => Kysely<ContentTables>) {
    this.#db = db;
  }

  async search({ tenant, campanaId, space, vector, limit }: VectorQuery): Promise<readonly Match[]> {
    const similarity = (this.#similarity ??= (await hasPgvector(this.#db())) ? BY_PGVECTOR : BY_ARRAYS);
    const within = campanaId === null ? sql`` : sql`and campana_id = ${campanaId}`;
    const { rows } = await sql<Row & { score: number }>`
      select ${IMAGE}, ${similarity(sql`${[...vector]}`)} as score from contents
      where tenant = ${tenant} and space = ${space} and ${HAS_ADDRESS} ${within}
        and cardinality(embedding) = ${vector.length}
      order by score desc, content_id limit ${limit}`.execute(this.#db());
    return rows.map((row) => ({ ...imageOf(row), score: scored(row.score) })).toSorted(bestFirst);
  }

  async images(tenant: string, ids: readonly string[]): Promise<ReadonlyMap<string, FoundImage>> {
    const { rows } = await sql<Row>`
      select ${IMAGE} from contents
      where tenant = ${tenant} and content_id = any(${[...ids]}::text[]) and ${HAS_ADDRESS}`.execute(this.#db());
    return new Map(rows.map((row) => [row.content_id, imageOf(row)]));
  }
}

async function hasPgvector(db: Kysely<ContentTables>): Promise<boolean> {
  const { rows } = await sql`select 1 from pg_extension where extname = 'vector'`.execute(db);
  return rows.length > 0;
}

function imageOf({ content_id: id, url, hashtags }: Row): FoundImage {
  return { id, url, hashtags };
}
