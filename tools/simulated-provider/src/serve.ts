/**
 * The process that `npm start` runs when no upstream is configured: the simulated provider at a gentle pace, behind the
 * counting proxy, so that anybody can ask `GET /__counts` what really reached it. On `SIMULATED_PROVIDER_PORT`, or a free port.
 */
import { startCountingProxy } from './counting-proxy.js';
import { startSimulatedProvider } from './simulated-provider.js';

const provider = await startSimulatedProvider({ firstByteMs: 60, betweenChunksMs: 4 });
const port = Number(process.env['SIMULATED_PROVIDER_PORT'] ?? 0);
const proxy = await startCountingProxy({ upstream: provider.url, port });

async function stop(): Promise<void> {
  await proxy.stop();
  await provider.stop();
  process.exit(0);
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop());
console.log(`ready ${proxy.url}`);
