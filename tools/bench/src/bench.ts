/**
 * `npm run bench [-- NAME …] [--keys N]`: some comparisons, or all. Ratios count; absolute figures move with the machine.
 * `--keys`: how many entries `invalidate` invalidates.
 */
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { gatewayHitBenchmark } from './gateway-hit/gateway-hit.js';
import { gatewayMissBenchmark } from './gateway-miss/gateway-miss.js';
import { gatewayStreamBenchmark } from './gateway-stream/gateway-stream.js';
import { identityBenchmark } from './identity.js';
import { DEFAULT_KEYS, invalidateBenchmark } from './invalidate/invalidate.js';
import { l1LagBenchmark } from './l1-lag/l1-lag.js';
import { mcpChangesBenchmark } from './mcp-changes/mcp-changes.js';
import { memoryBenchmark } from './memory/memory.js';
import { recordsBenchmark } from './records/records.js';
import { recordsImportBenchmark } from './records/records-import.js';
import { redisHitBenchmark } from './redis-hit/redis-hit.js';
import { stampedeBenchmark } from './stampede/stampede.js';
import { warmHitBenchmark } from './warm-hit/warm-hit.js';

const { values, positionals: wanted } = parseArgs({
  allowPositionals: true,
  options: { keys: { type: 'string', default: String(DEFAULT_KEYS) } },
});
const keys = Number(values.keys);

const BENCHMARKS: Readonly<Record<string, () => void | Promise<void>>> = {
  identity: identityBenchmark,
  'warm-hit': warmHitBenchmark,
  'l1-lag': l1LagBenchmark,
  'redis-hit': redisHitBenchmark,
  stampede: stampedeBenchmark,
  invalidate: () => invalidateBenchmark(keys),
  'gateway-hit': gatewayHitBenchmark,
  'gateway-stream': gatewayStreamBenchmark,
  'gateway-miss': gatewayMissBenchmark,
  'mcp-changes': mcpChangesBenchmark,
  memory: memoryBenchmark,
  records: recordsBenchmark,
  'records-import': recordsImportBenchmark,
};

const unknown = wanted.find((name) => !Object.hasOwn(BENCHMARKS, name));
if (unknown !== undefined) {
  console.error(`There is no benchmark ${unknown}. There are: ${Object.keys(BENCHMARKS).join(', ')}`);
  process.exitCode = 1;
} else if (!Number.isSafeInteger(keys) || keys < 1) {
  console.error(`--keys takes a whole number above 0, not ${values.keys}`);
  process.exitCode = 1;
} else {
  console.log(
    `Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown CPU'}, load ${loadavg()[0]?.toFixed(1)}`,
  );
  for (const [name, run] of Object.entries(BENCHMARKS)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    console.log(`\n${name}`);
    await run();
  }
}
