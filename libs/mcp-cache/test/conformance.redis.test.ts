/** The protocol's own suite says the same of a server with and without the gateway in front of it. */
import { execFile } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { startEverything } from './everything-over-http.js';
import { referenceServer, server, stand, type Gateway, type Stand } from './gateway-stand.js';
import { StatelessServer } from './stateless-server.js';

const require = createRequire(__filename);
const SUITE = join(dirname(require.resolve('@modelcontextprotocol/conformance/package.json')), 'dist/index.js');
const run = promisify(execFile);

/** Of each scenario its checks, with how each ended. */
async function verdicts(url: string, version: string): Promise<Record<string, string[]>> {
  const folder = await mkdtemp(join(tmpdir(), 'conformance-'));
  try {
    const args = [
      SUITE,
      'server',
      '--url',
      url,
      '--spec-version',
      version,
      '--suite',
      'all',
      '--output-dir',
      folder,
      '--timeout',
      '20000',
    ];
    // It exits with 1 when a check fails: what failed stands in the files.
    await run(process.execPath, args, { cwd: folder }).catch(() => undefined);
    const found = globSync(join(folder, '**/checks.json')).map((file): [string, string[]] => {
      const checks = JSON.parse(readFileSync(file, 'utf8')) as { id: string; status: string }[];
      const scenario = basename(dirname(file)).replace(/-\d{4}-\d\d-\d\dT.*$/, '');
      return [scenario, checks.map(({ id, status }) => `${id}: ${status}`)];
    });
    return Object.fromEntries(found.toSorted(([one], [other]) => (one < other ? -1 : 1)));
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe('the conformance suite', () => {
  let place: Stand;
  let gateway: Gateway;
  beforeAll(async () => {
    place = await stand();
    gateway = await place.start();
  });
  afterAll(() => place.stop());

  /** A page of elsewhere is kept out by the gateway, whatever the server behind it does. */
  const REBINDING = 'server-dns-rebinding-protection';
  const both = async (name: string, url: string, version: string) => {
    place.servers.set(name, server(name, { kind: 'http', url, headers: {} }));
    const { [REBINDING]: _own, ...directly } = await verdicts(url, version);
    const { [REBINDING]: rebinding, ...through } = await verdicts(gateway.url(name).href, version);
    for (const check of rebinding ?? []) expect(check).toContain('SUCCESS');
    return [directly, through] as const;
  };

  it('says the same of a server with sessions', async () => {
    const everything = await startEverything(referenceServer('everything'));
    const [directly, through] = await both('sessions', everything.url.href, '2025-11-25');
    await everything.stop();
    expect(Object.keys(directly).length).toBeGreaterThan(10);
    expect(through).toEqual(directly);
  }, 180_000);

  it('says the same of a server without sessions, and every check of caching passes', async () => {
    const stateless = await new StatelessServer().start();
    const [directly, through] = await both('stateless', stateless.url, '2026-07-28');
    await stateless.stop();
    expect(through).toEqual(directly);
    expect((through['server-caching'] ?? ['nothing']).filter((check) => !check.endsWith('SUCCESS'))).toEqual([]);
  }, 180_000);
});
