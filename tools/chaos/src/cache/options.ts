import { parseArgs } from 'node:util';
import { TOPOLOGIES, type TopologyName } from './redis-stand.js';

export interface CacheChaosOptions {
  /** Of faults, all topologies together. */
  readonly minutes: number;
  readonly seed: number;
  readonly topologies: readonly TopologyName[];
}

/** @throws Error what is wrong with what was asked for */
export function parseOptions(args: readonly string[]): CacheChaosOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: 'string', default: '10' },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
      topology: { type: 'string', default: 'all' },
    },
  });
  const [minutes, seed] = [Number(values.minutes), Number(values.seed)];
  if (!(minutes > 0)) throw new Error(`--minutes takes a number above 0, not ${values.minutes}`);
  if (!Number.isSafeInteger(seed) || seed < 0) throw new Error(`--seed takes a whole number, not ${values.seed}`);
  const topologies = TOPOLOGIES.filter((name) => values.topology === 'all' || values.topology === name);
  if (topologies.length === 0) {
    throw new Error(`--topology takes ${TOPOLOGIES.join(', ')} or all, not ${values.topology}`);
  }
  return { minutes, seed, topologies };
}
