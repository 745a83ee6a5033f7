import type { ProviderDirectory } from '@promptsales/configuration';
import { DatabaseUnavailableError } from '@promptsales/database';
import type { Environment } from '@promptsales/environment';
import type { Condition, HealthContributor, LedgerInstruments } from '@promptsales/health';
import type { Logger } from '@promptsales/http-edge';
import type { DurableLedger, LedgerModuleOptions, PriceOverrides } from '@promptsales/llm-cache';

/** Beyond so many calls that PostgreSQL has not taken, no further one is made. */
const MOST_SPOOLED_CALLS = 10_000;

/** The end of a process leaves four seconds for everything that is to be flushed. */
const SHUTDOWN_MS = 3_000;

export function ledgerOptions(
  { codec }: Environment,
  instruments: LedgerInstruments,
  providers: Pick<ProviderDirectory, 'find' | 'serving'>,
  logger: Pick<Logger, 'warn'>,
): LedgerModuleOptions {
  return {
    // An object literal: the ledger spreads its observer, and a class keeps its methods out of reach of that.
    observer: {
      intentBegun: (milliseconds, how) => instruments.intentBegun(milliseconds, how),
      linesWritten: (kind, lines) => instruments.linesWritten(kind, lines),
      hitsDropped: (hits) => instruments.hitsDropped(hits),
      lineRejected: (kind) => instruments.lineRejected(kind),
    },
    overrides: priceOverridesOf(providers),
    // That the database is away is said once, by itself.
    pricesFailed: (error) => {
      if (!(error instanceof DatabaseUnavailableError))
        logger.warn({ err: error }, 'changed prices could not be looked for');
    },
    tuning: {
      maxSpooledCalls: MOST_SPOOLED_CALLS,
      shutdownDeadlineMs: SHUTDOWN_MS,
      linesPerStatement: codec.pipeline ? codec.pipelineSize : 1,
    },
  };
}

/** What tenants pay by agreement, as they say with their providers. */
export function priceOverridesOf(providers: Pick<ProviderDirectory, 'find' | 'serving'>): PriceOverrides {
  return {
    of: (tenant, provider, model) => {
      const prices = providers.find(tenant, provider)?.prices;
      return prices !== undefined && Object.hasOwn(prices, model) ? (prices[model] ?? null) : null;
    },
    list: (tenant) =>
      providers
        .serving(tenant)
        .flatMap(({ name: provider, prices }) =>
          Object.entries(prices).map(([model, amounts]) => ({ provider, model, amounts })),
        ),
  };
}

/** A ledger that spools degrades; one that is full makes us refuse what has not been asked before. */
export function ledgerHealth(ledger: DurableLedger): HealthContributor {
  return {
    name: 'ledger',
    condition: (): Condition => {
      const { databaseAnswers, unwrittenCalls, bufferedHits, droppedHits } = ledger.state;
      const full = !databaseAnswers && unwrittenCalls >= MOST_SPOOLED_CALLS;
      return {
        status: databaseAnswers ? 'up' : full ? 'down' : 'degraded',
        detail: { unwritten_calls: unwrittenCalls, buffered_hits: bufferedHits, lost_hits: droppedHits },
      };
    },
  };
}
