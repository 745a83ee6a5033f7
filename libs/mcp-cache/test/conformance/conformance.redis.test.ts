/** The protocol's own suite says the same of a server with and without the gateway in front of it, and `docs/` says what. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { server, stand, type Gateway, type Stand } from '../gateway-stand.js';
import { FixtureServer } from './fixture-server.js';
import { verdicts, type Check, type Verdicts } from './suite.js';

const PAGE = join(__dirname, '../../../../docs/mcp-conformance.md');
const VERSIONS = ['2025-06-18', '2025-11-25', '2026-07-28'];
/** The suite gives some answers half a second, by the clock of the machine: on a busy one that says nothing of the server. */
const MOST_TIMES = 4;

let place: Stand;
let gateway: Gateway;
let fixtures: FixtureServer;
const measured = new Map<string, { readonly directly: Verdicts; readonly through: Verdicts }>();

beforeAll(async () => {
  place = await stand();
  [gateway, fixtures] = await Promise.all([place.start(), new FixtureServer().start()]);
  place.servers.set('fixtures', server('fixtures', { kind: 'http', url: fixtures.url, headers: {} }));
});
afterAll(async () => {
  await fixtures.stop();
  await place.stop();
});

describe.each(VERSIONS)('the conformance suite for %s', (version) => {
  it('says the same of a server with and without the gateway', async () => {
    const directly = await found(fixtures.url, version);
    const through = await found(gateway.url('fixtures').href, version);
    measured.set(version, { directly, through });
    expect(comparable(through)).toEqual(comparable(directly));
    // Else nothing was asked that could differ.
    expect(directly.size).toBeGreaterThan(25);
  });
});

it('every check of caching passes', () => {
  const caching = measured.get('2026-07-28')?.through.get('caching') ?? [];
  expect(caching.length).toBeGreaterThan(5);
  expect(caching.filter(({ status }) => status !== 'SUCCESS')).toEqual([]);
});

it('the documentation says what was found', () => {
  const rows = readFileSync(PAGE, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| `'));
  const written = rows.map((row) => row.replaceAll(/ +/g, ' '));
  expect(written.join('\n')).toBe(table().join('\n'));
});

async function found(url: string, version: string): Promise<Verdicts> {
  const all = new Map(await verdicts(url, version));
  for (let time = 1; time < MOST_TIMES; time += 1) {
    for (const [failed] of [...all].filter(([, checks]) => checks.some(fails))) {
      for (const [scenario, checks] of await verdicts(url, version, failed)) all.set(scenario, checks);
    }
  }
  return all;
}

function fails({ status }: Check): boolean {
  return status === 'FAILURE' || status === 'WARNING';
}

function comparable(all: Verdicts): object {
  const judged = (checks: readonly Check[]) => checks.map(({ id, name, status }) => `${id} ${name}: ${status}`);
  return Object.fromEntries([...all].map(([scenario, checks]) => [scenario, judged(checks)]));
}

function table(): string[] {
  const scenarios = new Set([...measured.values()].flatMap(({ directly }) => [...directly.keys()]));
  return [...scenarios].toSorted().map((scenario) => {
    const counts = VERSIONS.flatMap((version) => {
      const { directly, through } = measured.get(version) ?? {};
      return [countOf(directly?.get(scenario)), countOf(through?.get(scenario))];
    });
    return `| ${[`\`${scenario}\``, ...counts].join(' | ')} |`.replaceAll(/ +/g, ' ');
  });
}

/** `9 of 10`: checks that passed, of those that judge. */
function countOf(checks: readonly Check[] | undefined): string {
  if (checks === undefined) return '';
  const judging = checks.filter(({ status }) => status !== 'INFO');
  return `${judging.filter(({ status }) => status === 'SUCCESS').length} of ${judging.length}`;
}
