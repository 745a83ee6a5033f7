import { Inject, Injectable, Logger } from '@nestjs/common';
import { Database } from '@promptsales/database';
import { EmbedderError, LexicalEmbedder, type Embedder } from '@promptsales/semantics';
import { CONTENT_OPTIONS, type ContentOptions, type TenantEmbedders } from '../content-options.js';
import { placeContent, unplacedContents, type ContentTables, type Placed } from '../content/content-rows.js';

type Described = { readonly descripcion: string; readonly hashtags: readonly string[] };

const BATCH = 100;

/** Vectors of contents and of what is searched for, all of one embedder. */
@Injectable()
export class Embedding {
  readonly #embedders: TenantEmbedders;
  readonly #database: Database;
  readonly #log = new Logger('Content');

  constructor(@Inject(Database) database: Database, @Inject(CONTENT_OPTIONS) { embedder }: ContentOptions) {
    this.#database = database;
    this.#embedders = embeddersOf(embedder ?? new LexicalEmbedder());
  }

  get space(): string {
    return this.#embedders.space;
  }

  /** @throws EmbedderError */
  async ofQuery(tenant: string, description: string): Promise<Float32Array> {
    const [vector] = (await this.#embedders.of(tenant).embed([description])).vectors;
    return vector as Float32Array;
  }

  /** Null where it cannot be had now: it is made up for before the next search. */
  async ofContent(tenant: string, content: Described): Promise<Placed | null> {
    try {
      const { vectors } = await this.#embedders.of(tenant).embed([textOf(content)]);
      return placed(this.space, vectors[0] as Float32Array);
    } catch (error) {
      if (!(error instanceof EmbedderError)) throw error;
      this.#log.warn(`content is stored without a vector for now (${error.code})`);
      return null;
    }
  }

  /**
   * Makes the vectors that are missing, or that another embedder had made.
   * @throws EmbedderError
   */
  async catchUp(tenant: string): Promise<void> {
    const db = this.#database.as<ContentTables>();
    for (;;) {
      const batch = await unplacedContents(db, tenant, this.space, BATCH);
      if (batch.length > 0) {
        const { vectors } = await this.#embedders.of(tenant).embed(batch.map(textOf));
        for (const [at, row] of batch.entries()) {
          await placeContent(db, tenant, row, placed(this.space, vectors[at] as Float32Array));
        }
      }
      if (batch.length < BATCH) return;
    }
  }
}

function embeddersOf(embedder: Embedder | TenantEmbedders): TenantEmbedders {
  return 'of' in embedder ? embedder : { space: embedder.space, of: () => embedder };
}

function textOf({ descripcion, hashtags }: Described): string {
  return [descripcion, ...hashtags].join('\n');
}

function placed(space: string, vector: Float32Array): Placed {
  return { space, vector: [...vector] };
}
