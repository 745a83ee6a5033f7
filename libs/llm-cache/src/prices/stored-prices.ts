import { ChangeWatch, type Database } from '@promptsales/database';
import { type Kysely, type Selectable, sql, type Transaction } from 'kysely';
import { checkPrices, type Price, type PriceFile, type PriceQuestion, type Prices, PriceTable } from './price-table.js';
import type { LedgerPricesTable, PriceTables, WrittenPrice } from './price-tables.js';

/** A price that holds for all tenants, in place of a published one of the same day. */
export interface PriceToStore {
  readonly provider: string;
  readonly model: string;
  readonly tier: string;
  /** `2026-11-21`, UTC. */
  readonly effectiveFrom: string;
  /** Null: what was stored goes, and what is published holds again. */
  readonly price: WrittenPrice | null;
}

export interface StoredPricesParts {
  readonly database: Database;
  readonly published: PriceTable;
  /** Told why a look for changes failed; what was known before goes on counting. */
  readonly watchFailed: (error: unknown) => void;
}

const EVERY_MS = 500;

/**
 * The published prices with those in front that operators have stored. What was committed counts in every process at most
 * `EVERY_MS` and one query later, and in the one that stored it at once. Lines that were made before keep their price.
 */
export class StoredPrices implements Prices {
  readonly #parts: StoredPricesParts;
  readonly #watch: ChangeWatch;
  #revision: string | null = null;
  #stored = new PriceTable([]);

  constructor(parts: StoredPricesParts) {
    this.#parts = parts;
    this.#watch = new ChangeWatch({ look: () => this.#catchUp(), everyMs: EVERY_MS, failed: parts.watchFailed });
  }

  async start(): Promise<this> {
    await this.#watch.start();
    return this;
  }

  stop(): void {
    this.#watch.stop();
  }

  /** The price that began last; of two of one day the stored one. */
  of(question: PriceQuestion): Price | null {
    const stored = this.#stored.of(question);
    const published = this.#parts.published.of(question);
    if (stored === null || published === null) return stored ?? published;
    return stored.effectiveFrom >= published.effectiveFrom ? stored : published;
  }

  /** Every price that holds, did or will, without the published ones that stored ones replace. */
  list(): { readonly price: Price; readonly origin: 'published' | 'stored' }[] {
    const stored = this.#stored.list();
    const replaced = new Set(stored.map(placeOf));
    const published = this.#parts.published.list().filter((price) => !replaced.has(placeOf(price)));
    return [
      ...stored.map((price) => ({ price, origin: 'stored' as const })),
      ...published.map((price) => ({ price, origin: 'published' as const })),
    ];
  }

  /**
   * All of them or none, with what `note` writes down in the same transaction; in force here when it returns.
   * @throws {PriceFileError} for an amount or a class that is none
   */
  async store(
    prices: readonly PriceToStore[],
    note: (transaction: Transaction<PriceTables>) => Promise<void> = () => Promise.resolve(),
  ): Promise<void> {
    // Read before it is written: what stands in the table must be a price.
    for (const one of prices) if (one.price !== null) checkPrices(fileOf({ ...one, price: one.price }, 'new'));
    await this.#parts.database
      .as<PriceTables>()
      .transaction()
      .execute(async (transaction) => {
        const { revision } = await transaction
          .updateTable('ledger_price_clock')
          .set({ revision: sql`revision + 1` })
          .returning('revision')
          .executeTakeFirstOrThrow();
        for (const price of prices) await storeOne(transaction, price, revision);
        await note(transaction);
      });
    await this.#watch.refresh();
  }

  async #catchUp(): Promise<void> {
    const db = this.#parts.database.control<PriceTables>();
    const { revision } = await db.selectFrom('ledger_price_clock').select('revision').executeTakeFirstOrThrow();
    if (revision === this.#revision) return;
    const rows = await db.selectFrom('ledger_prices').selectAll().execute();
    this.#stored = new PriceTable(rows.map(fileOfRow));
    this.#revision = revision;
  }
}

async function storeOne(db: Kysely<PriceTables>, one: PriceToStore, revision: string): Promise<void> {
  const { provider, model, tier, effectiveFrom, price } = one;
  if (price === null) {
    await db
      .deleteFrom('ledger_prices')
      .where('provider', '=', provider)
      .where('model', '=', model)
      .where('tier', '=', tier)
      .where('effective_from', '=', effectiveFrom)
      .execute();
    return;
  }
  const row = { price: JSON.stringify(price), revision };
  await db
    .insertInto('ledger_prices')
    .values({ provider, model, tier, effective_from: effectiveFrom, ...row })
    .onConflict((conflict) => conflict.columns(['provider', 'model', 'tier', 'effective_from']).doUpdateSet(row))
    .execute();
}

function fileOfRow(row: Selectable<LedgerPricesTable>): PriceFile {
  const { provider, model, tier, effective_from: effectiveFrom, price, revision } = row;
  return fileOf({ provider, model, tier, effectiveFrom, price }, `stored-${revision}`);
}

function fileOf(one: PriceToStore & { readonly price: WrittenPrice }, version: string): PriceFile {
  const { provider, model, tier, effectiveFrom, price } = one;
  return {
    provider,
    version,
    source: '',
    prices: [{ models: [model], tier, effective_from: effectiveFrom, ...price }],
  };
}

function placeOf({ provider, model, tier, effectiveFrom }: Price): string {
  return JSON.stringify([provider, model, tier, effectiveFrom.getTime()]);
}
