/**
 * Changes a record and notes its invalidation in one transaction, says `committed`, and then does nothing more, to be killed:
 * `node --experimental-transform-types committing-process.mjs DATABASE_URL KEY VALUE`.
 */
import { registerHooks } from 'node:module';

registerHooks({
  resolve(specifier, context, next) {
    const ours = specifier.startsWith('.') && !context.parentURL?.includes('/node_modules/');
    return next(ours ? specifier.replace(/\.js$/, '.ts') : specifier, context);
  },
});

const { default: pg } = await import('pg');
const { Kysely, PostgresDialect, sql } = await import('kysely');
const { noteRows } = await import('../src/outbox/outbox-rows.js');
const [url, key, value] = process.argv.slice(2);
const db = new Kysely({ dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: url }) }) });
await db.transaction().execute(async (transaction) => {
  await sql`update records set value = ${value} where key = ${key}`.execute(transaction);
  await noteRows(transaction, [{ kind: 'key', tenant: 'default', family: 'app.value', subject: `app:${key}` }]);
});
process.stdout.write('committed\n');
setInterval(() => {}, 1000);
