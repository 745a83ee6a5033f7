/**
 * A process that migrates and says what it applied: `node migrate-process.mjs URL MILLISECONDS`. Its one step takes that long.
 * The library's TypeScript is run as it stands, with types stripped by Node.
 */
import { registerHooks } from 'node:module';

registerHooks({
  resolve(specifier, context, next) {
    const ours = specifier.startsWith('.') && !context.parentURL?.includes('/node_modules/');
    return next(ours ? specifier.replace(/\.js$/, '.ts') : specifier, context);
  },
});

const [url, milliseconds] = process.argv.slice(2);
const { migrate } = await import('../src/migrations/migrate.ts');
const { sql } = await import('kysely');

const step = {
  up: async (db) => {
    process.stdout.write('begun\n');
    await sql`create table made_once (at timestamptz not null default now())`.execute(db);
    await sql`insert into made_once default values`.execute(db);
    await sql`select pg_sleep(${Number(milliseconds) / 1000})`.execute(db);
  },
};
const { applied } = await migrate({ url, sets: [{ library: 'example', migrations: { '0001_made_once': step } }] });
process.stdout.write(`applied ${applied.length}\n`);
