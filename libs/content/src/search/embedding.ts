import { Inject, Injectable, Logger } from '@nestjs/common';
import { Database } from '@promptsales/database';
import { EmbedderError, LexicalEmbedder, type Embedder } from '@promptsales/semantics';
import { CONTENT_OPTIONS, type ContentOptions, type TenantEmbedders } from '../content-options.js';
import {
  placeContent,
  unplacedContents,
  type ContentTables,
  type Placed,
  type Unplaced,
} from '../content/content-rows.js';

type Described = { readonly descripcion: string; readonly hashtags: readonly string[] };

const BATCH = 100;
/** Texts that the embedder does not take, found out one by one in one search; there may be many more. */
const MOST_REFUSED = 20;
/** What it did not take, it will not take in a while either. */
const REFUSED_FOR_MS = 3_600_000;
const MOST_REMEMBERED = 100_000;

/**
 * Vectors of contents and of what is searched for, all of one embedder. A text that it does not take has no vector and is found by
 * nobody; it holds up nothing else.
 */
@Injectable()
export class Embedding {
  readonly #embedders: TenantEmbedders;
  readonly #database: Database;
  readonly #log = new Logger('Content');
  /** Until when each text is not offered again. */
  readonly #refused = new Map<string, number>();

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
    const bounds = { refusals: MOST_REFUSED };
    for (let after = ''; ;) {
      const batch = await unplacedContents(db, tenant, this.space, after, BATCH);
      const offered = batch.filter((row) => (this.#refused.get(nameOf(tenant, row)) ?? 0) <= performance.now());
      await this.#place(tenant, offered, bounds);
      const last = batch.at(-1);
      if (last === undefined || batch.length < BATCH) return;
      after = last.content_id;
    }
  }

  /** In halves where the whole is not taken, until it is known which one is not. */
  async #place(tenant: string, rows: readonly Unplaced[], bounds: { refusals: number }): Promise<void> {
    const [first] = rows;
    if (first === undefined) return;
    try {
      const { vectors } = await this.#embedders.of(tenant).embed(rows.map(textOf));
      const db = this.#database.as<ContentTables>();
      for (const [at, row] of rows.entries()) {
        await placeContent(db, tenant, row, placed(this.space, vectors[at] as Float32Array));
      }
    } catch (error) {
      if (!isOfTheText(error)) throw error;
      if (rows.length === 1) {
        this.#refuse(tenant, first);
        bounds.refusals -= 1;
        if (bounds.refusals < 0) throw error;
        return;
      }
      const middle = Math.ceil(rows.length / 2);
      await this.#place(tenant, rows.slice(0, middle), bounds);
      await this.#place(tenant, rows.slice(middle), bounds);
    }
  }

  #refuse(tenant: string, row: Unplaced): void {
    this.#log.warn(`the embedder does not take the text of a content of ${tenant}: no search finds it`);
    const [oldest] = this.#refused.keys();
    if (this.#refused.size >= MOST_REMEMBERED && oldest !== undefined) this.#refused.delete(oldest);
    this.#refused.set(nameOf(tenant, row), performance.now() + REFUSED_FOR_MS);
  }
}

/** Nothing is wrong with the embedder. */
export function isOfTheText(error: unknown): boolean {
  return error instanceof EmbedderError && error.code === 'embedder_text_refused';
}

function nameOf(tenant: string, { content_id: id, version }: Unplaced): string {
  return JSON.stringify([tenant, id, version]);
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
