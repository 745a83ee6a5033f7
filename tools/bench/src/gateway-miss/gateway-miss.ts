/**
 * What the gateway adds to a question that nobody has asked before: the same new questions, asked straight of a local provider
 * and through the gateway by turns, so that what else the machine does meets both. With authentication, ledger and metrics on.
 */
import { Agent, request } from 'node:http';
import { startStand } from '@promptsales/stand';
import { createKey } from '../gateway-hit/client.js';

const WARM_UP = 300;
const PAIRS = Number(process.env['BENCH_PAIRS'] ?? 1500);
const PATH = '/chat/completions';

interface Way {
  readonly name: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly agent: Agent;
}

interface Times {
  readonly firstByteMs: number;
  readonly wholeMs: number;
}

export async function gatewayMissBenchmark(): Promise<void> {
  const profile = process.env['BENCH_CPU_PROFILE'];
  const stand = await startStand({
    apis: 1,
    firstByteMs: 0,
    answerWords: 112,
    ...(profile === undefined ? {} : { nodeOptions: ['--cpu-prof', `--cpu-prof-dir=${profile}`] }),
  });
  const agents = [new Agent({ keepAlive: true }), new Agent({ keepAlive: true })] as const;
  try {
    const [api] = stand.apis;
    const key = await createKey(stand);
    const straight: Way = { name: 'straight', url: stand.upstream.baseUrl, headers: {}, agent: agents[0] };
    const through: Way = {
      name: 'through',
      url: `${api?.address}/v1`,
      headers: { authorization: `Bearer ${key}` },
      agent: agents[1],
    };
    const table: Record<string, object> = {};
    for (const stream of [false, true]) {
      await measure(straight, through, WARM_UP, stream, 'warm-up');
      const calls = stand.upstream.calls;
      const { direct, ours } = await measure(straight, through, PAIRS, stream, 'measured');
      if (stand.upstream.calls - calls !== 2 * PAIRS) throw new Error('A question was not asked of the provider.');
      for (const which of ['firstByteMs', 'wholeMs'] as const) {
        const [one, other] = [direct, ours].map((times) => times.map((time) => time[which]));
        const added = (other ?? []).map((time, at) => time - (one?.[at] ?? Number.NaN));
        table[`${stream ? 'stream' : 'JSON'}, ${which === 'wholeMs' ? 'to the end' : 'to the first byte'}`] = {
          'straight p50 ms': quantile(one ?? [], 0.5),
          'through p50 ms': quantile(other ?? [], 0.5),
          'added p50 ms': quantile(added, 0.5),
          'added p90 ms': quantile(added, 0.9),
          'added p99 ms': quantile(added, 0.99),
        };
      }
    }
    console.table(table);
  } finally {
    for (const agent of agents) agent.destroy();
    await stand.stop();
  }
}

async function measure(straight: Way, through: Way, pairs: number, stream: boolean, salt: string) {
  const direct: Times[] = [];
  const ours: Times[] = [];
  for (let pair = 0; pair < pairs; pair += 1) {
    const content = `${salt} question ${pair} of ${stream ? 'a stream' : 'JSON'}`;
    // The provider streams for ours in either case: straight it is asked in the form that is wanted.
    const body = JSON.stringify({ model: 'gpt-4o-mini', messages: [{ role: 'user', content }], stream });
    const [first, second] = pair % 2 === 0 ? [straight, through] : [through, straight];
    for (const way of [first, second]) (way === straight ? direct : ours).push(await ask(way, body));
  }
  return { direct, ours };
}

function ask({ url, headers, agent, name }: Way, body: string): Promise<Times> {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    const asking = request(`${url}${PATH}`, {
      agent,
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
    });
    asking.once('error', reject);
    asking.once('response', (response) => {
      let firstByteMs: number | null = null;
      response.on('data', () => {
        firstByteMs ??= performance.now() - began;
      });
      response.once('end', () => {
        if (response.statusCode !== 200) reject(new Error(`${name}: an answer with ${response.statusCode}`));
        else resolve({ firstByteMs: firstByteMs ?? Number.NaN, wholeMs: performance.now() - began });
      });
    });
    asking.end(body);
  });
}

function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return Math.round((sorted[Math.ceil(q * sorted.length) - 1] ?? Number.NaN) * 100) / 100;
}
