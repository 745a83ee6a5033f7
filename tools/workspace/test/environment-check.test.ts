import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const workspace = join(import.meta.dirname, '../../..');
const modulePath = join(workspace, 'tools/workspace/environment-check.mjs');

interface Ended {
  readonly code: unknown;
  readonly stdout: string;
  readonly stderr: string;
}

function run(args: readonly string[], variables: Readonly<Record<string, string>>): Promise<Ended> {
  const options = { env: { PATH: process.env['PATH'], ...variables } };
  return new Promise((resolve) => {
    execFile(process.execPath, args, options, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, stdout: stdout.trim(), stderr: stderr.trim() }),
    );
  });
}

/** What the check says of these variables. */
async function checked(variables: Readonly<Record<string, string>>): Promise<string> {
  const script = `
    import { checkEnvironment } from ${JSON.stringify(modulePath)};
    try { console.log(checkEnvironment()); } catch (error) { console.log(error.constructor.name + ': ' + error.message); }
  `;
  return (await run(['--input-type=module', '-e', script], variables)).stdout;
}

describe('the variables of npm start', () => {
  it('need not be given', async () => {
    expect(await checked({})).toBe('true');
    expect(await checked({ REDIS_URL: ' ', OPENAI_API_KEY: 'sk-x', CACHE_DIR: '/tmp', TTL_OF_NOBODY: 'soon' })).toBe(
      'true',
    );
  });

  it('are all named that cannot be used, secrets by their length', async () => {
    const said = await checked({
      REDIS_URL: 'http://user:secret@x',
      TTL_LLM_RESPONSE: 'soon',
      ETL_INTERVAL_MINUTES: '-1',
      REDIS_SENTINEL_NAME: 'main',
    });
    const named = new Set(said.split('\n').map((line) => /^ {2}(\w+):/.exec(line)?.[1]));
    named.delete(undefined);
    expect(named).toEqual(new Set(['ETL_INTERVAL_MINUTES', 'REDIS_SENTINELS', 'REDIS_URL', 'TTL_LLM_RESPONSE']));
    expect(said).toMatch(/^StartError: 4 environment variables cannot be used:/);
    expect(said).not.toContain('secret');
  });

  it('are judged before anything is installed or started', async () => {
    const clone = mkdtempSync(join(tmpdir(), 'promptsales-variables-'));
    try {
      for (const part of ['tools/workspace', 'tools/local-services', 'libs/environment']) {
        cpSync(join(workspace, part), join(clone, part), {
          recursive: true,
          filter: (source) => !/node_modules|\/test$/.test(source),
        });
      }
      const ended = await run([join(clone, 'tools/workspace/start.mjs')], { PORT: 'abc', REDIS_LAYOUT: 'heap' });
      expect(ended).toEqual({ code: 1, stdout: '', stderr: expect.stringMatching(/\bPORT: [^]*\bREDIS_LAYOUT: /) });
      expect([readdirSync(clone).toSorted(), readdirSync(join(clone, '.local'))]).toEqual([
        ['.local', 'libs', 'tools'],
        ['locks'],
      ]);
    } finally {
      rmSync(clone, { recursive: true });
    }
  });
});
