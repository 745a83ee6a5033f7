/** `npm run bench [-- NAME]`: one comparison, or all. Ratios count; absolute figures move with the machine. */
import { cpus } from 'node:os';
import { gatewayHitBenchmark } from './gateway-hit/gateway-hit.js';
import { identityBenchmark } from './identity.js';
import { l1LagBenchmark } from './l1-lag/l1-lag.js';
import { redisHitBenchmark } from './redis-hit/redis-hit.js';
import { stampedeBenchmark } from './stampede/stampede.js';
import { warmHitBenchmark } from './warm-hit/warm-hit.js';

const BENCHMARKS: Readonly<Record<string, () => void | Promise<void>>> = {
  identity: identityBenchmark,
  'warm-hit': warmHitBenchmark,
  'l1-lag': l1LagBenchmark,
  'redis-hit': redisHitBenchmark,
  stampede: stampedeBenchmark,
  'gateway-hit': gatewayHitBenchmark,
};

const wanted = process.argv.slice(2);
const unknown = wanted.find((name) => !Object.hasOwn(BENCHMARKS, name));
if (unknown === undefined) {
  console.log(`Node ${process.version}, ${cpus()[0]?.model ?? 'unknown CPU'}`);
  for (const [name, run] of Object.entries(BENCHMARKS)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    console.log(`\n${name}`);
    await run();
  }
} else {
  console.error(`There is no benchmark ${unknown}. There are: ${Object.keys(BENCHMARKS).join(', ')}`);
  process.exitCode = 1;
}
