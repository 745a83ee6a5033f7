import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { configurationPage } from './configuration-page.js';
import { EnvironmentError } from './environment-error.js';
import { readEnvironment } from './read-environment.js';

/** `npm run environment -- docs` writes the reference page; `-- check` says whether the present environment can be used. */
const page = join(import.meta.dirname, '../../../docs/configuration.md');
const [action] = process.argv.slice(2);

if (action === 'docs') {
  writeFileSync(page, configurationPage());
  process.stdout.write('docs/configuration.md is written\n');
} else if (action === 'docs-check') {
  const current = readFileSync(page, 'utf8') === configurationPage();
  process.stdout.write(
    current
      ? 'docs/configuration.md is up to date\n'
      : 'docs/configuration.md is out of date: npm run environment -- docs\n',
  );
  process.exitCode = current ? 0 : 1;
} else if (action === 'check') {
  try {
    const { warnings } = readEnvironment(process.env);
    process.stdout.write(['the environment can be used', ...warnings].join('\n') + '\n');
  } catch (error) {
    if (!(error instanceof EnvironmentError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
} else {
  process.stderr.write('npm run environment -- docs | docs-check | check\n');
  process.exitCode = 2;
}
