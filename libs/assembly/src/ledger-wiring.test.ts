import { LedgerInstruments, MetricsRegistry } from '@promptsales/health';
import { readEnvironment } from '@promptsales/environment';
import { ledgerOptions } from './ledger-wiring.js';

const linesPerStatement = (env: NodeJS.ProcessEnv): number | undefined =>
  ledgerOptions(
    readEnvironment({
      REDIS_URL: 'redis://localhost',
      DATABASE_URL: 'postgres://localhost/x',
      ADMIN_API_KEY: 'admin-key-0123456789abcdef',
      ENCRYPTION_KEY: Buffer.alloc(32).toString('base64'),
      ...env,
    }),
    new LedgerInstruments(new MetricsRegistry('api')),
    { find: () => null, serving: () => [] },
    { warn: () => undefined },
  ).tuning?.linesPerStatement;

it.each([
  [{}, 100],
  [{ PIPELINE_SIZE: '7' }, 7],
  [{ ENABLE_PIPELINE: 'false', PIPELINE_SIZE: '7' }, 1],
])('writes the ledger behind as %j says: %i lines a statement', (env, lines) => {
  expect(linesPerStatement(env)).toBe(lines);
});
