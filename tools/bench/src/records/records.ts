/**
 * `GET /leads/{id}`: ours from the cache and from PostgreSQL, with authentication, metrics and `ETag`, beside the same lead
 * behind Nest's own `CacheInterceptor` with none of these.
 */
import { isDeepStrictEqual } from 'node:util';
import { join } from 'node:path';
import { startStand, type Stand } from '@promptsales/stand';
import { startServer } from '../gateway-hit/bare-subject.js';
import { loadFor, type Round } from '../gateway-hit/load.js';
import type { Subject } from '../gateway-hit/subject.js';

/** As it is used: outside production more is checked. */
const PRODUCTION = { NODE_ENV: 'production' };
const CONNECTIONS = 32;
const ROUNDS = 3;
const WARM_UP_SECONDS = 2;
const ROUND_SECONDS = Number(process.env['BENCH_ROUND_SECONDS'] ?? 4);

interface Case extends Subject {
  readonly headers: readonly string[];
}

export async function recordsBenchmark(): Promise<void> {
  const stand = await startStand({ apis: 1, firstByteMs: 0, environmentOf: () => PRODUCTION });
  const [api] = stand.apis;
  if (api === undefined) throw new Error('The stand has no API process.');
  const nest = await startServer(
    'Nest',
    join(import.meta.dirname, 'nest-server.js'),
    [stand.redis.url, stand.postgres.url],
    { ...process.env, ...PRODUCTION },
  );
  try {
    const key = await recordsKey(stand);
    const path = `/leads/${await makeLead(stand, key)}`;
    const authorization = `authorization: Bearer ${key}`;
    const cases: readonly Case[] = [
      { ...nest, name: "Nest's CacheInterceptor", headers: [] },
      { ...api, name: 'ours, from PostgreSQL', headers: [authorization, 'cache-control: no-store'] },
      { ...api, name: 'ours, from the cache', headers: [authorization] },
    ];
    await checkSameWork(cases, path);
    const rounds = new Map(cases.map((one) => [one, [] as Round[]]));
    for (const one of cases) await loadFor(one, requestTo(one, path), CONNECTIONS, WARM_UP_SECONDS);
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const [one, results] of rounds) {
        results.push(await loadFor(one, requestTo(one, path), CONNECTIONS, ROUND_SECONDS));
      }
    }
    print(rounds);
  } finally {
    await nest.stop();
    await stand.stop();
  }
}

/** A customer's key: the administrator's is checked in another way. */
export async function recordsKey({ adminKey, apis: [api] }: Stand): Promise<string> {
  const response = await fetch(`${api?.address}/v1/keys`, {
    method: 'POST',
    headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'benchmark', tenant: 'bench', scopes: ['records'] }),
  });
  if (response.status !== 201) throw new Error(`No key was created: ${await response.text()}`);
  return ((await response.json()) as { key: string }).key;
}

async function makeLead({ apis: [api] }: Stand, key: string): Promise<string> {
  const response = await fetch(`${api?.address}/leads`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      empresa: 'Distribuidora Peña S.A.',
      contacto: 'Ana Pérez, +506 2222 3333',
      estado: 'contactado',
      fuente: 'feria de primavera',
      notas: 'Pide una propuesta para tres sucursales antes del viernes. '.repeat(8),
    }),
  });
  if (response.status !== 201) throw new Error(`No lead was made: ${await response.text()}`);
  return ((await response.json()) as { id: string }).id;
}

/** The same lead from each, and each from where its name says. */
async function checkSameWork(cases: readonly Case[], path: string): Promise<void> {
  const ask = (one: Case): Promise<Response> =>
    fetch(one.address + path, { headers: one.headers.map((line) => line.split(': ') as [string, string]) });
  for (const one of cases) await (await ask(one)).arrayBuffer();
  const answers = await Promise.all(cases.map(ask));
  const [first, ...others] = await Promise.all(answers.map((answer) => answer.json()));
  if (!others.every((other) => isDeepStrictEqual(other, first))) throw new Error('The leads are not the same.');
  const said = answers.map(({ headers }) => headers.get('x-cache'));
  if (!isDeepStrictEqual(said, ['HIT', 'BYPASS', 'HIT'])) throw new Error(`Answered by ${said.join(', ')}.`);
}

function requestTo({ address, headers }: Case, path: string): string {
  return [`GET ${path} HTTP/1.1`, `host: ${new URL(address).host}`, ...headers, '', ''].join('\r\n');
}

function print(rounds: ReadonlyMap<Case, readonly Round[]>): void {
  const measured = [...rounds].map(([{ name }, results]) => {
    const answers = results.reduce((sum, one) => sum + one.answers, 0);
    const seconds = results.reduce((sum, one) => sum + one.seconds, 0);
    const cpu = results.reduce((sum, one) => sum + (one.cpuSeconds ?? Number.NaN), 0);
    return { name, perSecond: answers / seconds, cpuMicros: (cpu / answers) * 1e6 };
  });
  const [yardstick] = measured;
  console.table(
    Object.fromEntries(
      measured.map(({ name, perSecond, cpuMicros }) => [
        name,
        {
          'requests/s': Math.round(perSecond),
          '× Nest': Math.round((perSecond / (yardstick?.perSecond ?? Number.NaN)) * 100) / 100,
          'CPU µs/request': Number.isNaN(cpuMicros) ? 'unknown' : Math.round(cpuMicros),
        },
      ]),
    ),
  );
}
