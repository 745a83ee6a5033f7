import { Inject, Injectable, ServiceUnavailableException, type OnApplicationShutdown } from '@nestjs/common';
import { absent, keyspace, type Absent, type ValueOf } from '@promptsales/cache-core';
import { Database } from '@promptsales/database';
import { EmbedderError } from '@promptsales/semantics';
import { CONTENT_OPTIONS, type ContentOptions } from '../content-options.js';
import type { ContentTables } from '../content/content-rows.js';
import { invalid } from '../content/content-fields.js';
import { Embedding, isOfTheText } from './embedding.js';
import { PostgresSource } from './postgres-source.js';
import { MOST_RESULTS, type SearchRequest } from './search-request.js';
import type { FoundImage, Match, VectorSource } from './vector-source.js';

type SearchResult = ValueOf<typeof keyspace.contentSearch>;
type CampaignResult = ValueOf<typeof keyspace.contentSearchCampaign>;

/** Content by what it is about, from the source that the application chose. Callers come through the cache. */
@Injectable()
export class ContentSearch implements OnApplicationShutdown {
  readonly #embedding: Embedding;
  readonly #source: VectorSource;
  /** Vectors are ours to make where the content is ours. */
  readonly #ours: boolean;

  constructor(
    @Inject(Database) database: Database,
    @Inject(CONTENT_OPTIONS) { source }: ContentOptions,
    @Inject(Embedding) embedding: Embedding,
  ) {
    this.#embedding = embedding;
    this.#ours = source === undefined;
    this.#source = source ?? new PostgresSource(() => database.as<ContentTables>());
  }

  get space(): string {
    return this.#embedding.space;
  }

  async inAll(tenant: string, { description, limit }: SearchRequest): Promise<SearchResult> {
    const images = await this.#search(tenant, null, description, limit);
    return {
      images: images.map(({ id, url, hashtags, score }) => ({ id, url, hashtags: [...hashtags], score })),
      timestamp: new Date().toISOString(),
    };
  }

  /** As many as anybody may want. `absent`: nothing. */
  async inCampaign(
    tenant: string,
    campanaId: string,
    { description }: SearchRequest,
  ): Promise<CampaignResult | Absent> {
    const found = await this.#search(tenant, campanaId, description, MOST_RESULTS);
    return found.length === 0 ? absent : new Map(found.map(({ id, score }) => [id, score]));
  }

  /** What is kept of a search in a campaign, with what is to be shown of it. */
  async shown(tenant: string, result: CampaignResult, limit: number): Promise<Match[]> {
    const best = [...result].toSorted(([id, score], [otherId, other]) => other - score || (id < otherId ? -1 : 1));
    const wanted = best.slice(0, limit);
    const images: ReadonlyMap<string, FoundImage> =
      wanted.length === 0
        ? new Map()
        : await this.#source.images(
            tenant,
            wanted.map(([id]) => id),
          );
    return wanted.flatMap(([id, score]) => {
      const image = images.get(id);
      return image === undefined ? [] : [{ ...image, score }];
    });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#source.close?.();
  }

  async #search(
    tenant: string,
    campanaId: string | null,
    description: string,
    limit: number,
  ): Promise<readonly Match[]> {
    const vector = await this.#vectorOf(tenant, description);
    return this.#source.search({ tenant, campanaId, space: this.#embedding.space, vector, limit });
  }

  /**
   * @throws ServiceUnavailableException while the embedder cannot be asked
   * @throws BadRequestException where it does not take the description
   */
  async #vectorOf(tenant: string, description: string): Promise<Float32Array> {
    try {
      // First of all: an embedder that takes no text at all is not to be offered all of them one by one.
      const vector = await this.#ofQuery(tenant, description);
      if (this.#ours) await this.#embedding.catchUp(tenant);
      return vector;
    } catch (error) {
      if (!(error instanceof EmbedderError)) throw error;
      throw new ServiceUnavailableException('The embedder cannot be asked at the moment. Try again.', { cause: error });
    }
  }

  async #ofQuery(tenant: string, description: string): Promise<Float32Array> {
    try {
      return await this.#embedding.ofQuery(tenant, description);
    } catch (error) {
      if (!isOfTheText(error)) throw error;
      throw invalid([{ path: 'description', message: 'is not taken by the embedder; a shorter one may be' }]);
    }
  }
}
