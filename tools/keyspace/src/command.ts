/** `npm run keyspace -- docs` writes docs/keyspace.md; `-- explain KEY` says what a key is. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseKey } from '@promptsales/cache-core';
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
} else {
  process.stderr.write('npm run keyspace -- docs | explain KEY\n');
  process.exitCode = 2;
}
