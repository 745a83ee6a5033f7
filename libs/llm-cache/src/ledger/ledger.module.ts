import {
  type DynamicModule,
  type FactoryProvider,
  Injectable,
  Module,
  type ModuleMetadata,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { Database } from '@promptsales/database';
import { OverriddenPrices, type PriceOverrides } from '../prices/overridden-prices.js';
import { NOTE_PRICES, type NotePrices, PRICE_OVERRIDES, PricesController } from '../prices/prices.controller.js';
import { PriceTable } from '../prices/price-table.js';
import { publishedPrices } from '../prices/published-prices.js';
import { StoredPrices } from '../prices/stored-prices.js';
import { UsedPrices } from '../prices/used-prices.js';
import { DurableLedger, type DurableLedgerOptions } from './durable-ledger.js';
import { Ledger } from './ledger.js';
import { withLog } from './ledger-log.js';
import type { LedgerObserver } from './ledger-observer.js';
import { LEDGER_READER_OF, type LedgerReaderOf } from './ledger-reader.js';
import { PostgresLedgerStore } from './postgres-ledger-store.js';
import { PriceKeepingStore } from './price-keeping-store.js';
import { Savings } from './savings.js';
import { SavingsController } from './savings.controller.js';

export interface LedgerModuleOptions {
  /** Where metrics listen. */
  readonly observer?: LedgerObserver;
  readonly tuning?: Partial<DurableLedgerOptions>;
  /** Prices of tenants' own. @default none: list prices */
  readonly overrides?: PriceOverrides;
  /** Told why stored prices that changed could not be looked for; the last known ones go on counting. */
  readonly pricesFailed?: (error: unknown) => void;
}

export interface LedgerModuleAsyncOptions {
  readonly imports?: NonNullable<ModuleMetadata['imports']>;
  readonly inject?: NonNullable<FactoryProvider['inject']>;
  /** A method, so that its parameters may have the types of what is injected. */
  useFactory(...dependencies: unknown[]): LedgerModuleOptions | Promise<LedgerModuleOptions>;
}

const OPTIONS = Symbol('LedgerModuleOptions');

/** Ends the ledger when the HTTP server has answered its last request, and before the database is closed. */
@Injectable()
class LedgerShutdown implements OnApplicationShutdown {
  readonly #ledger: DurableLedger;
  readonly #prices: StoredPrices;

  constructor(ledger: DurableLedger, prices: StoredPrices) {
    this.#ledger = ledger;
    this.#prices = prices;
  }

  onApplicationShutdown(): Promise<void> {
    this.#prices.stop();
    return this.#ledger.close();
  }
}

/**
 * Owns the ledger's objects. It is not global itself: Nest ends global modules (the database) after all others, whatever the
 * order of imports, so what is here is still written.
 */
@Module({})
class LedgerWriterModule {}

/** Provides `Ledger` to the whole application, on the application's `Database`. */
@Module({})
export class LedgerModule {
  static forRoot(options: LedgerModuleOptions = {}): DynamicModule {
    return LedgerModule.forRootAsync({ useFactory: () => options });
  }

  static forRootAsync(options: LedgerModuleAsyncOptions): DynamicModule {
    const writer: DynamicModule = {
      module: LedgerWriterModule,
      imports: options.imports ?? [],
      providers: [
        { provide: OPTIONS, inject: options.inject ?? [], useFactory: options.useFactory.bind(options) },
        { provide: PriceTable, useFactory: publishedPrices },
        { provide: StoredPrices, inject: [Database, PriceTable, OPTIONS], useFactory: startPrices },
        {
          provide: PRICE_OVERRIDES,
          inject: [OPTIONS],
          useFactory: ({ overrides }: LedgerModuleOptions) => overrides ?? null,
        },
        { provide: DurableLedger, inject: [Database, StoredPrices, OPTIONS], useFactory: startLedger },
        { provide: Ledger, useExisting: DurableLedger },
        LedgerShutdown,
      ],
      exports: [Ledger, DurableLedger, PriceTable, StoredPrices, PRICE_OVERRIDES],
    };
    return { module: LedgerModule, global: true, imports: [writer], exports: [writer] };
  }
}

function startPrices(
  database: Database,
  published: PriceTable,
  { pricesFailed = () => undefined }: LedgerModuleOptions,
): Promise<StoredPrices> {
  return new StoredPrices({ database, published, watchFailed: pricesFailed }).start();
}

async function startLedger(
  database: Database,
  listed: StoredPrices,
  { observer = {}, tuning = {}, overrides }: LedgerModuleOptions,
): Promise<DurableLedger> {
  const used = new UsedPrices(overrides === undefined ? listed : new OverriddenPrices(listed, overrides));
  const store = new PriceKeepingStore(new PostgresLedgerStore(database), used);
  const ledger = new DurableLedger(store, used, tuning, withLog(observer));
  await ledger.start();
  return ledger;
}

export interface SavingsModuleOptions {
  /** Whose request it is; called for requests that have passed the application's access rules. */
  readonly callerOf: LedgerReaderOf;
  /** Where it is written down who changes which prices. @default nowhere */
  readonly notePrices?: NotePrices;
}

export interface SavingsModuleAsyncOptions {
  readonly inject?: NonNullable<FactoryProvider['inject']>;
  /** A method, so that its parameters may have the types of what is injected. */
  useFactory(...dependencies: unknown[]): SavingsModuleOptions;
}

const SAVINGS_OPTIONS = Symbol('SavingsModuleOptions');

/** The routes below `/v1/savings`, and `/v1/prices`; needs `LedgerModule`. */
@Module({})
export class SavingsModule {
  static forRoot(options: SavingsModuleOptions): DynamicModule {
    return SavingsModule.forRootAsync({ useFactory: () => options });
  }

  static forRootAsync(options: SavingsModuleAsyncOptions): DynamicModule {
    return {
      module: SavingsModule,
      controllers: [SavingsController, PricesController],
      providers: [
        { provide: SAVINGS_OPTIONS, inject: options.inject ?? [], useFactory: options.useFactory.bind(options) },
        {
          provide: LEDGER_READER_OF,
          inject: [SAVINGS_OPTIONS],
          useFactory: ({ callerOf }: SavingsModuleOptions) => callerOf,
        },
        {
          provide: NOTE_PRICES,
          inject: [SAVINGS_OPTIONS],
          useFactory: ({ notePrices }: SavingsModuleOptions) => notePrices ?? null,
        },
        {
          provide: Savings,
          inject: [Database, DurableLedger],
          useFactory: (database: Database, ledger: DurableLedger) => new Savings(database, () => ledger.flush()),
        },
      ],
    };
  }
}
