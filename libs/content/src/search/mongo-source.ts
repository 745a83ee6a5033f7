/**
 * Search in MongoDB by Atlas Vector Search (`$vectorSearch`), where the content lives there. The collection is written by
 * its own systems: documents have the fields of `content.by_id`, their id as `_id` or `content_id`, and a vector of the
 * same embedder as the one that is asked with here.
 */
import { ServiceUnavailableException } from '@nestjs/common';
import { MongoClient, MongoError, ObjectId, type Collection, type Document } from 'mongodb';
import {
  bestFirst,
  scored,
  type FoundImage,
  type Match,
  type VectorQuery,
  type VectorSource,
} from './vector-source.js';

export interface MongoSourceOptions {
  /** `mongodb://` or `mongodb+srv://`; names the database. */
  readonly url: string;
  /** @default 'contents' */
  readonly collection?: string;
  /** The vector index; `tenant` and `campana_id` are filter fields of it. @default 'contents_by_embedding' */
  readonly index?: string;
  /** Where the vector is in a document. @default 'embedding' */
  readonly path?: string;
  /** @default 5 s */
  readonly timeoutMs?: number;
}

/** So many neighbours are looked at for each that is wanted: what MongoDB recommends for a good recall. */
const CANDIDATES_PER_RESULT = 20;
const MOST_CANDIDATES = 10_000;
const SHOWN = { _id: 1, content_id: 1, url_almacenamiento: 1, url_thumbnail: 1, hashtags: 1 } as const;

export class MongoSource implements VectorSource {
  readonly #client: MongoClient;
  readonly #contents: Collection;
  readonly #index: string;
  readonly #path: string;
  readonly #timeoutMs: number;

  constructor({ url, collection, index, path, timeoutMs = 5000 }: MongoSourceOptions) {
    this.#client = new MongoClient(url, {
      appName: 'promptsales',
      serverSelectionTimeoutMS: timeoutMs,
      connectTimeoutMS: timeoutMs,
      // The server ends an operation that takes too long; this is for one that does not.
      socketTimeoutMS: timeoutMs * 2,
    });
    this.#contents = this.#client.db().collection(collection ?? 'contents');
    this.#index = index ?? 'contents_by_embedding';
    this.#path = path ?? 'embedding';
    this.#timeoutMs = timeoutMs;
  }

  async search({ tenant, campanaId, vector, limit }: VectorQuery): Promise<readonly Match[]> {
    const filter = { tenant, ...(campanaId === null ? {} : { campana_id: campanaId }) };
    const found = await asked(() =>
      this.#contents
        .aggregate(
          [
            {
              $vectorSearch: {
                index: this.#index,
                path: this.#path,
                queryVector: [...vector],
                numCandidates: Math.min(MOST_CANDIDATES, limit * CANDIDATES_PER_RESULT),
                limit,
                filter,
              },
            },
            { $project: { ...SHOWN, score: { $meta: 'vectorSearchScore' } } },
          ],
          { maxTimeMS: this.#timeoutMs },
        )
        .toArray(),
    );
    return found
      .flatMap((document) => {
        const image = imageIn(document);
        // MongoDB tells a cosine of s as (1 + s) / 2.
        return image === null ? [] : [{ ...image, score: scored(2 * Number(document['score']) - 1) }];
      })
      .toSorted(bestFirst);
  }

  async images(tenant: string, ids: readonly string[]): Promise<ReadonlyMap<string, FoundImage>> {
    const filter: Document = {
      tenant,
      $or: [{ _id: { $in: ids.flatMap(asStored) } }, { content_id: { $in: [...ids] } }],
    };
    const options = { projection: SHOWN, maxTimeMS: this.#timeoutMs };
    const found = await asked(() => this.#contents.find(filter, options).toArray());
    return new Map(found.flatMap((document) => imageIn(document) ?? []).map((image) => [image.id, image]));
  }

  close(): Promise<void> {
    return this.#client.close();
  }
}

/** Ids are texts here. In a document `_id` may be one, or what MongoDB gives to who names none. */
function asStored(id: string): readonly (string | ObjectId)[] {
  return /^[0-9a-f]{24}$/.test(id) ? [id, ObjectId.createFromHexString(id)] : [id];
}

/** What goes wrong there is no fault of this server, and passes. */
async function asked<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof MongoError)) throw error;
    throw new ServiceUnavailableException('The content source could not be searched. Try again.', { cause: error });
  }
}

function imageIn(document: Document): FoundImage | null {
  const { _id, content_id: id, url_almacenamiento: stored, url_thumbnail: thumbnail, hashtags } = document;
  const url: unknown = stored ?? thumbnail;
  if (typeof url !== 'string') return null;
  const texts = Array.isArray(hashtags) ? hashtags.filter((one): one is string => typeof one === 'string') : [];
  return { id: String(id ?? _id), url, hashtags: texts };
}
