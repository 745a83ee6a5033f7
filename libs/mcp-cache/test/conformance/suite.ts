/** Runs the protocol's own conformance suite, and says what it found. */
import { execFile } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';

const require = createRequire(__filename);
const SUITE = join(dirname(require.resolve('@modelcontextprotocol/conformance/package.json')), 'dist/index.js');
const run = promisify(execFile);

export interface Check {
  readonly id: string;
  readonly name: string;
  readonly status: 'SUCCESS' | 'FAILURE' | 'WARNING' | 'SKIPPED' | 'INFO';
  readonly errorMessage?: string;
}

/** Of each scenario its checks. */
export type Verdicts = ReadonlyMap<string, readonly Check[]>;

/** @param scenario only this one */
export async function verdicts(url: string, version: string, scenario: string | null = null): Promise<Verdicts> {
  const folder = await mkdtemp(join(tmpdir(), 'conformance-'));
  try {
    const args = ['server', '--url', url, '--spec-version', version, '--output-dir', folder];
    args.push(...(scenario === null ? ['--suite', 'all'] : ['--scenario', scenario]));
    // It exits with 1 when a check fails: what failed stands in the files.
    await run(process.execPath, [SUITE, ...args, '--timeout', '20000'], { cwd: folder }).catch(() => undefined);
    const found = globSync(join(folder, '**/checks.json')).map((file): [string, Check[]] => {
      // The folder is called `server-{scenario}-{time}`.
      const [, name = ''] = /^server-(.*)-\d{4}-\d\d-\d\dT/.exec(basename(dirname(file))) ?? [];
      return [name, JSON.parse(readFileSync(file, 'utf8')) as Check[]];
    });
    return new Map(found.toSorted(([one], [other]) => (one < other ? -1 : 1)));
  } finally {
    await rm(folder, { recursive: true });
  }
}
