/** `npm run eval -- semantic [--data FILE] [--seeds N] [--json]` */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { evaluate } from './semantic/evaluation.js';
import { readPairs } from './semantic/pairs.js';
import { reportOf } from './semantic/report.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    data: { type: 'string', default: '../shared/data/question-pairs.jsonl.gz' },
    seeds: { type: 'string', default: '5' },
    json: { type: 'boolean', default: false },
  },
});
const [wanted, ...others] = positionals;
const seeds = Number(values.seeds);
const path = resolve(values.data);

if (wanted !== 'semantic' || others.length > 0) {
  fail('There is one evaluation: npm run eval -- semantic');
} else if (!Number.isSafeInteger(seeds) || seeds < 1) {
  fail(`--seeds takes a whole number above 0, not ${values.seeds}`);
} else if (!existsSync(path)) {
  fail(`There is no file ${path}. Name the labelled pairs by --data FILE.`);
} else {
  const evaluation = evaluate(readPairs(path), seeds);
  console.log(values.json ? JSON.stringify(evaluation, null, 2) : reportOf(evaluation));
}

function fail(problem: string): void {
  console.error(problem);
  process.exitCode = 1;
}
