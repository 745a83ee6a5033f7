/**
 * What the gateway adds to a question that nobody has asked before: the same new questions, asked straight of a local provider,
 * through a bare proxy and through the gateway by turns, so that what else the machine does meets all three. What the proxy adds
 * is the hop, which nothing between client and provider can save. With authentication, ledger and metrics on.
 */
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { startStand } from '@promptsales/stand';
import { startServer } from '../gateway-hit/bare-subject.js';
import { createKey } from '../gateway-hit/client.js';

/** Until the code is compiled as it will be. */
const WARM_UP = 1000;
/** How often each way is measured. */
const QUESTIONS = Number(process.env['BENCH_QUESTIONS'] ?? 1500);
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
  const { baseUrl } = stand.upstream;
  const proxy = await startServer('proxy', join(import.meta.dirname, 'bare-proxy.js'), [baseUrl]);
  const agents: Agent[] = [];
  const way = (name: string, url: string, headers: Way['headers'] = {}): Way => {
    const agent = new Agent({ keepAlive: true });
    agents.push(agent);
    return { name, url, headers, agent };
  };
  try {
    const [api] = stand.apis;
    const key = await createKey(stand);
    const ways = [
      way('straight', baseUrl),
      way('a bare proxy', proxy.address),
      way('the gateway', `${api?.address}/v1`, { authorization: `Bearer ${key}` }),
    ];
    const table: Record<string, object> = {};
    for (const stream of [false, true]) {
      await measure(ways, WARM_UP, stream, 'warm-up');
      const calls = stand.upstream.calls;
      const [straight = [], ...through] = await measure(ways, QUESTIONS, stream, 'measured');
      if (stand.upstream.calls - calls !== ways.length * QUESTIONS) {
        throw new Error('A question was not asked of the provider.');
      }
      for (const which of ['firstByteMs', 'wholeMs'] as const) {
        const direct = straight.map((times) => times[which]);
        for (const [at, times] of through.entries()) {
          const added = times.map((time, question) => time[which] - (direct[question] ?? Number.NaN));
          const to = which === 'wholeMs' ? 'the end' : 'the first byte';
          table[`${stream ? 'stream' : 'JSON'}, to ${to}, ${ways[at + 1]?.name}`] = {
            'straight p50 ms': quantile(direct, 0.5),
            'added p50 ms': quantile(added, 0.5),
            'added p90 ms': quantile(added, 0.9),
            'added p99 ms': quantile(added, 0.99),
          };
        }
      }
    }
    console.table(table);
  } finally {
    for (const agent of agents) agent.destroy();
    await proxy.stop();
    await stand.stop();
  }
}

/** Times of each way, in the order of the questions. */
async function measure(ways: readonly Way[], questions: number, stream: boolean, salt: string): Promise<Times[][]> {
  const times = ways.map((): Times[] => []);
  for (let question = 0; question < questions; question += 1) {
    const content = `${salt} question ${question} of ${stream ? 'a stream' : 'JSON'}`;
    // The provider streams for ours in either case: straight it is asked in the form that is wanted.
    const body = JSON.stringify({ model: 'gpt-4o-mini', messages: [{ role: 'user', content }], stream });
    for (let turn = 0; turn < ways.length; turn += 1) {
      const at = (question + turn) % ways.length;
      times[at]?.push(await ask(ways[at] as Way, body));
    }
  }
  return times;
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
