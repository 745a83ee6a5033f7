/**
 * `npm run keyspace -- docs` writes docs/keyspace.md; `-- explain KEY` says what a key is; `-- lint` looks at every key of a
 * live server.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseKey } from '@promptsales/cache-core';
import { lint } from './lint/command.js';
import { USAGE } from './lint/options.js';
import { referencePage } from './reference-page.js';

const [action, key] = process.argv.slice(2);

if (action === 'docs') {
  writeFileSync(join(import.meta.dirname, '../../../docs/keyspace.md'), referencePage());
  process.stdout.write('docs/keyspace.md is written\n');
} else if (action === 'explain' && key !== undefined) {
  const parsed = parseKey(key);
  process.stdout.write(
    parsed === null
      ? 'no family gives this key\n'
      : `${JSON.stringify({ family: parsed.family.id, tenant: parsed.tenant, segments: parsed.segments }, null, 2)}\n`,
  );
  process.exitCode = parsed === null ? 1 : 0;
} else if (action === 'lint') {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  const terminal = {
    out: (text: string) => void process.stdout.write(text),
    err: (text: string) => void process.stderr.write(text),
  };
  process.exitCode = await lint(process.argv.slice(3), process.env, terminal, stop.signal);
} else {
  process.stderr.write(`npm run keyspace -- docs | explain KEY | lint\n${USAGE}\n`);
  process.exitCode = 2;
}
