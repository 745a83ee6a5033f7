import type { FastifyRequest } from 'fastify';

/** Who asks for a report. */
export interface LedgerReader {
  readonly tenant: string;
  readonly admin: boolean;
}

/** Nest's token for the application's answer to: whose request is this? */
export const LEDGER_READER_OF = Symbol('LEDGER_READER_OF');
export type LedgerReaderOf = (request: FastifyRequest) => LedgerReader;
