import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { configurationPage } from './configuration-page.js';

describe('docs/configuration.md', () => {
  it('is what the table of variables says; run `npm run environment -- docs` when it is not', () => {
    const page = readFileSync(join(import.meta.dirname, '../../../docs/configuration.md'), 'utf8');
    expect(page).toBe(configurationPage());
  });

  it('has every variable of the process', () => {
    const page = configurationPage();
    for (const name of [
      'HOST',
      'REDIS_URL_<ROLE>',
      'TTL_<FAMILY_ID>',
      'CACHE_FRESH_<FAMILY_ID>',
      'UPSTREAM_BREAKER_FAILURES',
      'ENCRYPTION_KEY',
      'SIMULATED_UPSTREAM',
      'WORKER_PORT',
    ]) {
      expect(page).toContain(`| \`${name}\` |`);
    }
  });
});
