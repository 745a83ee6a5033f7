/**
 * `npm run chaos [-- SCENARIO …]`: faults under load, minutes long, so not part of `npm test`.
 * `npm run chaos -- simulate [--real] [--seeds N] [--from S]`: schedules of the simulator (docs/proof.md).
 * `npm run chaos -- cache [--minutes 10] [--seed N] [--topology all]`: the cache in several processes (docs/chaos.md).
 * `npm run chaos -- import [--megabytes 1024]`: a file of leads with broken rows, broken off once (docs/chaos.md).
 * `npm run chaos -- proxy [--gigabytes 10]`: bodies that no memory holds, through the proxy (docs/chaos.md).
 * `npm run chaos -- ledger [--requests 3000] [--speed 40]`: a recorded hour of requests through kills (docs/chaos.md).
 * Exits 1 when a verdict fails.
 */
import { cacheChaos } from './cache/cache-chaos.js';
import { gateway } from './gateway.js';
import { ledgerChaos } from './ledger/ledger-chaos.js';
import { importChaos } from './import/import-chaos.js';
import { proxyChaos } from './proxy/proxy-chaos.js';
import { simulate } from './simulate/command.js';
import { stampede } from './stampede.js';
import type { Verdict } from './verdict.js';

const SCENARIOS: Readonly<Record<string, (say: (line: string) => void) => Promise<Verdict[]>>> = { gateway, stampede };

async function main(names: readonly string[]): Promise<boolean> {
  const unknown = names.find((name) => SCENARIOS[name] === undefined);
  if (unknown !== undefined) throw new Error(`There is no scenario "${unknown}": ${Object.keys(SCENARIOS).join(', ')}`);
  let holds = true;
  for (const name of names.length > 0 ? names : Object.keys(SCENARIOS)) {
    console.log(`chaos ${name}`);
    const verdicts = (await SCENARIOS[name]?.((line) => console.log(`  ${line}`))) ?? [];
    for (const verdict of verdicts) console.log(`  ${verdict.holds ? '✓' : '✗'} ${verdict.what}`);
    holds &&= verdicts.every((verdict) => verdict.holds);
  }
  return holds;
}

/** What takes options of its own. */
const COMMANDS: Readonly<Record<string, (args: readonly string[]) => Promise<boolean>>> = {
  cache: cacheChaos,
  ledger: ledgerChaos,
  import: importChaos,
  proxy: proxyChaos,
  simulate,
};

// What ends for want of anything to wait for has not come to its verdicts.
process.exitCode = 1;
const [first = '', ...rest] = process.argv.slice(2);
(COMMANDS[first]?.(rest) ?? main(process.argv.slice(2))).then(
  (holds) => process.exit(holds ? 0 : 1),
  (error: Error) => {
    console.error(error.message);
    if (error.cause !== undefined) console.error(error.cause);
    process.exit(1);
  },
);
