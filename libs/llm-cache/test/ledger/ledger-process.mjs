/**
 * A process that books calls and hits until it is killed: `node ledger-process.mjs URL`. It says on its standard output, line
 * by line and before it goes on, what an independent observer would have seen: `called ID` when the upstream would be called,
 * `settled ID`, `hits N` so far. The library's TypeScript is run as it stands, with types stripped by Node.
 */
import { writeSync } from 'node:fs';
import { registerHooks } from 'node:module';

registerHooks({
  resolve(specifier, context, next) {
    const ours = specifier.startsWith('.') && !context.parentURL?.includes('/node_modules/');
    return next(ours ? specifier.replace(/\.js$/, '.ts') : specifier, context);
  },
});

const { Pool } = await import('pg');
const { Kysely, PostgresDialect } = await import('kysely');
const { DurableLedger } = await import('../../src/ledger/durable-ledger.ts');
const { PostgresLedgerStore } = await import('../../src/ledger/postgres-ledger-store.ts');
const { publishedPrices } = await import('../../src/prices/published-prices.ts');
const { sampleCall, sampleHit, sampleOutcome } = await import('./sample-facts.ts');

const pool = new Pool({ connectionString: process.argv[2], application_name: 'to-be-killed' });
const db = new Kysely({ dialect: new PostgresDialect({ pool }) });
const awaited = { run: ({ name, text }, values) => pool.query({ name, text, values }) };
// A call waits for its line however long PostgreSQL takes: what is spooled instead goes with the process.
const patient = { beginDeadlineMs: 600_000 };
const ledger = new DurableLedger(new PostgresLedgerStore({ as: () => db, awaited }), publishedPrices(), patient);
await ledger.start();
writeSync(1, `process ${ledger.processId}\n`);

// One that is under way whenever the process is killed.
const long = await ledger.begin(sampleCall());
writeSync(1, `called ${long.id}\n`);

let hits = 0;
setInterval(() => {
  // Few enough for what is reserved ahead to last while PostgreSQL is busy with others.
  for (let hit = 0; hit < 5; hit += 1) ledger.reused(sampleHit());
  hits += 5;
  writeSync(1, `hits ${hits}\n`);
}, 10);

for (;;) {
  const intent = await ledger.begin(sampleCall());
  writeSync(1, `called ${intent.id}\n`);
  await new Promise((resolve) => setTimeout(resolve, 5));
  intent.settle(sampleOutcome());
  writeSync(1, `settled ${intent.id}\n`);
}
