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
import { PricesController } from '../prices/prices.controller.js';
import { PriceTable } from '../prices/price-table.js';
import { publishedPrices } from '../prices/published-prices.js';
import { DurableLedger, type DurableLedgerOptions } from './durable-ledger.js';
import { Ledger } from './ledger.js';
import { withLog } from './ledger-log.js';
import type { LedgerObserver } from './ledger-observer.js';
import { PostgresLedgerStore } from './postgres-ledger-store.js';
import { Savings } from './savings.js';
import { LEDGER_READER_OF, type LedgerReaderOf, SavingsController } from './savings.controller.js';

export interface LedgerModuleOptions {
  /** Where metrics listen. */
  readonly observer?: LedgerObserver;
  readonly tuning?: Partial<DurableLedgerOptions>;
  /** Prices of tenants' own. @default none: list prices */
  readonly overrides?: PriceOverrides;
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

  constructor(ledger: DurableLedger) {
    this.#ledger = ledger;
  }

  onApplicationShutdown(): Promise<void> {
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
        { provide: DurableLedger, inject: [Database, PriceTable, OPTIONS], useFactory: startLedger },
        { provide: Ledger, useExisting: DurableLedger },
        LedgerShutdown,
      ],
      exports: [Ledger, DurableLedger, PriceTable],
    };
    return { module: LedgerModule, global: true, imports: [writer], exports: [writer] };
  }
}

async function startLedger(
  database: Database,
  listed: PriceTable,
  { observer = {}, tuning = {}, overrides }: LedgerModuleOptions,
): Promise<DurableLedger> {
  const prices = overrides === undefined ? listed : new OverriddenPrices(listed, overrides);
  const ledger = new DurableLedger(new PostgresLedgerStore(database), prices, tuning, withLog(observer));
  await ledger.start();
  return ledger;
}

export interface SavingsModuleOptions {
  /** Whose request it is; called for requests that have passed the application's access rules. */
  readonly callerOf: LedgerReaderOf;
}

/** The routes `GET /v1/savings` and `GET /v1/prices`; needs `LedgerModule`. */
@Module({})
export class SavingsModule {
  static forRoot({ callerOf }: SavingsModuleOptions): DynamicModule {
    return {
      module: SavingsModule,
      controllers: [SavingsController, PricesController],
      providers: [
        { provide: LEDGER_READER_OF, useValue: callerOf },
        {
          provide: Savings,
          inject: [Database, DurableLedger],
          useFactory: (database: Database, ledger: DurableLedger) => new Savings(database, () => ledger.flush()),
        },
      ],
    };
  }
}
