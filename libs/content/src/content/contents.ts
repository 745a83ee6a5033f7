/**
 * Pieces of content. The truth is in PostgreSQL; what is cached of it is outdated in the transaction that changes it.
 *
 * A change outdates the piece and every search of its tenant: which searches would find it now, and which would have found it
 * before, nobody can say without searching.
 */
import { Inject, Injectable, NotFoundException } from '@nestjs/common';
import { keyspace } from '@promptsales/cache-core';
import { Database } from '@promptsales/database';
import { CONTENT_OPTIONS, type ContentOptions, type OutdatedContent } from '../content-options.js';
import { Embedding } from '../search/embedding.js';
import type { ContentFields } from './content-fields.js';
import { deleteContent, findContent, putContent, type Content, type ContentTables } from './content-rows.js';

@Injectable()
export class Contents {
  readonly #database: Database;
  readonly #options: ContentOptions;
  readonly #embedding: Embedding;

  constructor(
    @Inject(Database) database: Database,
    @Inject(CONTENT_OPTIONS) options: ContentOptions,
    @Inject(Embedding) embedding: Embedding,
  ) {
    this.#database = database;
    this.#options = options;
    this.#embedding = embedding;
  }

  /**
   * From PostgreSQL; readers come through the cache.
   * @throws NotFoundException
   */
  async load(tenant: string, id: string): Promise<Content> {
    const found = await findContent(this.#database.as<ContentTables>(), tenant, id);
    if (found === null) throw notFound();
    return found;
  }

  async put(tenant: string, id: string, fields: ContentFields): Promise<{ content: Content; created: boolean }> {
    const placed = await this.#embedding.ofContent(tenant, fields);
    return this.#options.outbox.committing<ContentTables, { content: Content; created: boolean }>(
      async (transaction, outdate) => {
        const stored = await putContent(transaction, tenant, id, fields, placed);
        await outdate(outdatedBy(tenant, id));
        return stored;
      },
    );
  }

  /** @throws NotFoundException */
  async remove(tenant: string, id: string): Promise<void> {
    await this.#options.outbox.committing<ContentTables, void>(async (transaction, outdate) => {
      if (!(await deleteContent(transaction, tenant, id))) throw notFound();
      await outdate(outdatedBy(tenant, id));
    });
  }
}

function outdatedBy(tenant: string, id: string): OutdatedContent {
  return {
    keys: [keyspace.contentById.at({ content_id: id }, tenant)],
    families: [keyspace.contentSearch, keyspace.contentSearchCampaign].map((family) => ({ family, tenant })),
  };
}

function notFound(): NotFoundException {
  return new NotFoundException('There is no such content.');
}
