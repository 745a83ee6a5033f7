import { Logger } from '@nestjs/common';
import { withLog } from './ledger-log.js';
import type { LedgerObserver } from './ledger-observer.js';

/** An observer whose methods are on its prototype, as metrics are likely to be. */
class Counting implements LedgerObserver {
  readonly told: unknown[][] = [];

  intentBegun(...what: unknown[]): void {
    this.told.push(['intentBegun', ...what]);
  }

  linesWritten(...what: unknown[]): void {
    this.told.push(['linesWritten', ...what]);
  }

  databaseSilent(...what: unknown[]): void {
    this.told.push(['databaseSilent', ...what]);
  }

  databaseAnswers(...what: unknown[]): void {
    this.told.push(['databaseAnswers', ...what]);
  }

  hitsDropped(...what: unknown[]): void {
    this.told.push(['hitsDropped', ...what]);
  }

  lineRejected(...what: unknown[]): void {
    this.told.push(['lineRejected', ...what]);
  }
}

describe('the ledger\u2019s log', () => {
  it('passes everything on and says what an operator must know once per change', () => {
    const lines: string[] = [];
    const logger = new Logger('test');
    for (const level of ['log', 'warn', 'error'] as const) {
      jest.spyOn(logger, level).mockImplementation((...said: unknown[]) => void lines.push(`${level}: ${said.join()}`));
    }
    const observer = new Counting();
    const logged = withLog(observer, logger);
    const cause = new Error('connection refused');
    logged.intentBegun?.(3, 'durable');
    logged.linesWritten?.('call', 2, 1);
    logged.databaseSilent?.(cause);
    logged.hitsDropped?.(4);
    logged.hitsDropped?.(1);
    logged.databaseAnswers?.(7);
    logged.lineRejected?.('reuse', cause);
    expect(observer.told).toEqual([
      ['intentBegun', 3, 'durable'],
      ['linesWritten', 'call', 2, 1],
      ['databaseSilent', cause],
      ['hitsDropped', 4],
      ['hitsDropped', 1],
      ['databaseAnswers', 7],
      ['lineRejected', 'reuse', cause],
    ]);
    expect(lines).toEqual([
      'warn: PostgreSQL does not answer (connection refused): lines wait in this process until it does.',
      'log: PostgreSQL answers again; 7 lines are being written.',
      'error: 5 hits found no room meanwhile: their savings are missing from the ledger.',
      'error: PostgreSQL refuses a reuse line for what is in it (connection refused); the line is given up.',
    ]);
  });
});
