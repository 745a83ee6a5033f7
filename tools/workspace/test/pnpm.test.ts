import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const modulePath = join(import.meta.dirname, '../pnpm.mjs');

/** As pnpm 12.21.0 wraps it. */
const OUTDATED = `  help: Regenerate the lockfile with \`pnpm install --lockfile-only\` so that
        pnpm-lock.yaml reflects the current package.json, then re-run \`pnpm
        install --frozen-lockfile\`.`;

describe('what pnpm advises', () => {
  it('can be done where no pnpm is on PATH', () => {
    const script = `
      import { advisedThroughNpx, PNPM } from ${JSON.stringify(modulePath)};
      console.log(JSON.stringify([advisedThroughNpx(${JSON.stringify(OUTDATED)}), PNPM]));
    `;
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
    const [advice, pnpm] = JSON.parse(output) as [string, string];
    expect(advice).toContain(`\`npx ${pnpm} install --lockfile-only\``);
    expect(advice.replaceAll(/\s+/g, ' ')).toContain(`\`npx ${pnpm} install --frozen-lockfile\``);
    expect(advice).toContain('pnpm-lock.yaml reflects');
  });
});
