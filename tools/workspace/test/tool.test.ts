import { execFile } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

const tools = join(import.meta.dirname, '../..');

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A fresh clone, as far as a tool needs one: no packages, nothing built, and an npx that installs a small Nx. */
describe('a tool in a clone in which nothing is installed', () => {
  let clone: string;
  let npx: string;

  beforeEach(() => {
    clone = mkdtempSync(join(tmpdir(), 'promptsales-tool-'));
    for (const part of ['workspace', 'local-services']) {
      cpSync(join(tools, part), join(clone, 'tools', part), {
        recursive: true,
        filter: (source) => !/node_modules|\/test$/.test(source),
      });
    }
    for (const folder of ['apps', 'libs/environment', 'npx']) mkdirSync(join(clone, folder), { recursive: true });
    npx = join(clone, 'npx');
    // Like Nx, it asks for pnpm's version; what it builds says what it was given and ends with 3.
    writeFileSync(
      join(npx, 'nx.js'),
      `import { execSync } from 'node:child_process';
       import { mkdirSync, writeFileSync } from 'node:fs';
       writeFileSync('asked', process.argv.slice(2).join(' ') + ' pnpm ' + execSync('pnpm --version'));
       mkdirSync('libs/environment/dist', { recursive: true });
       writeFileSync('libs/environment/dist/command.js', 'console.log(process.argv.slice(2).join()); process.exitCode = 3;');`,
    );
    // What it says while there is a file `trouble` it fails with, once.
    const install = `#!/bin/sh
echo "$*" >> installed
if [ -f trouble ]; then cat trouble; rm trouble; exit 1; fi
mkdir -p node_modules/nx && cp npx/nx.js node_modules/nx/nx.js
echo '{"type":"module","bin":{"nx":"nx.js"}}' > node_modules/nx/package.json\n`;
    writeFileSync(join(npx, 'npx'), install);
    chmodSync(join(npx, 'npx'), 0o755);
  });

  afterEach(() => rmSync(clone, { recursive: true }));

  const run = (...args: string[]): Promise<Ended> =>
    new Promise((resolve) => {
      const env = { ...process.env, PATH: [npx, '/usr/bin', '/bin'].join(delimiter) };
      const script = join(clone, 'tools/workspace/tool.mjs');
      execFile(process.execPath, [script, ...args], { env }, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
      );
    });

  const said = (file: string): string => readFileSync(join(clone, file), 'utf8');

  it('installs, builds what the tool needs, and runs it with its arguments to its exit code', async () => {
    const ended = await run('environment', 'docs', '--all');
    expect(ended).toEqual({ code: 3, stdout: 'docs,--all\n', stderr: 'installing packages …\n' });
    expect(said('installed')).toMatch(/^-y pnpm@[\d.]+ install --frozen-lockfile\n$/);
    expect(said('asked')).toMatch(/^run-many -t build -p @promptsales\/environment pnpm [\d.]+\n$/);
  });

  it('installs again only when a manifest changed, as after a pull', async () => {
    await run('environment');
    expect(await run('environment')).toMatchObject({ code: 3, stderr: '' });
    writeFileSync(join(clone, 'libs/environment/package.json'), '{"name":"changed"}');
    await run('environment');
    expect(said('installed').trim().split('\n')).toHaveLength(2);
  });

  it.each([
    ['once more where the network was in the way', 'npm error code ECONNRESET', 3, 2],
    ['not again where it would fail again', 'ERR_PNPM_OUTDATED_LOCKFILE', 1, 1],
  ])('installs %s', async (_when, trouble, code, installs) => {
    writeFileSync(join(clone, 'trouble'), trouble);
    expect(await run('environment')).toMatchObject({ code });
    expect(said('installed').trim().split('\n')).toHaveLength(installs);
  });

  it('builds everything for npm run build, and runs nothing', async () => {
    expect(await run('build')).toMatchObject({ code: 0, stdout: '' });
    expect(said('asked')).toMatch(/^run-many -t build pnpm /);
  });

  it('says which tools there are', async () => {
    expect(await run('bensh')).toMatchObject({ code: 1, stderr: expect.stringContaining('bench|chaos|demo') });
  });
});
