/**
 * Looks at every key of a live server, database by database and in a cluster primary by primary, and says what is wrong.
 *
 * It reads and writes nothing. Names come by SCAN in steps that cost the server about 1.5 ms, at most `keysPerSecond` of them from
 * each server, and no step begins before the keys of the last one were judged. What was there all the time is met; what
 * came or went meanwhile may be.
 */
import { walkKeys, type RedisLink } from '@promptsales/cache-core';
import type { Finding, Problem } from './finding.js';
import { KeyJudge, type JudgeParts } from './key-judge.js';

export interface LintSettings extends JudgeParts {
  readonly keysPerSecond: number;
  /** Findings beyond so many are counted and not told. */
  readonly mostTold: number;
  readonly signal: AbortSignal;
}

export interface LintProgress {
  readonly place: string;
  readonly looked: number;
  readonly total: number;
  readonly findings: number;
}

export interface LintReport {
  /** Names that the servers gave. */
  readonly keys: number;
  /** Of them, those that do not begin with KEY_PREFIX are somebody else's. */
  readonly problems: Readonly<Partial<Record<Problem, number>>>;
  readonly findings: readonly Finding[];
  /** Were counted, and are not among `findings`. */
  readonly untold: number;
}

/** A step's keys are judged so many at a time, each with a handful of reads. */
const AT_ONCE = 50;
/** SCAN may give a key twice: a finding is one all the same, as far as this many are remembered. */
const MOST_REMEMBERED = 200_000;

export class Linter {
  readonly #settings: LintSettings;
  readonly #judge: KeyJudge;
  readonly #problems = new Map<Problem, number>();
  readonly #findings: Finding[] = [];
  readonly #known = new Set<string>();
  #keys = 0;
  #found = 0;

  constructor(settings: LintSettings) {
    this.#settings = settings;
    this.#judge = new KeyJudge(settings);
  }

  /** @throws RedisUnavailableError when a server goes away meanwhile; what the signal says */
  async run(progress: (at: LintProgress) => void): Promise<LintReport> {
    for (const link of this.#settings.roles.links()) await this.#lint(link, progress);
    return {
      keys: this.#keys,
      problems: Object.fromEntries(this.#problems),
      findings: this.#findings,
      untold: this.#found - this.#findings.length,
    };
  }

  async #lint(link: RedisLink, progress: (at: LintProgress) => void): Promise<void> {
    const { keysPerSecond, signal, roles } = this.#settings;
    const place = roles.rolesOf(link).join('+');
    const bounds = { mostKeys: null, mostMs: null, keysPerSecond, signal };
    await walkKeys(link, bounds, async (keys, { looked, total }) => {
      for (let from = 0; from < keys.length; from += AT_ONCE) {
        signal.throwIfAborted();
        const some = keys.slice(from, from + AT_ONCE);
        const found = await Promise.all(some.map((key) => this.#judge.findings(key, link)));
        for (const finding of found.flat()) this.#add(finding);
      }
      this.#keys += keys.length;
      progress({ place, looked, total: Math.max(total, looked), findings: this.#found });
    });
  }

  #add(finding: Finding): void {
    const name = `${finding.place} ${finding.problem} ${finding.key}`;
    if (this.#known.has(name)) return;
    if (this.#known.size < MOST_REMEMBERED) this.#known.add(name);
    this.#found += 1;
    this.#problems.set(finding.problem, (this.#problems.get(finding.problem) ?? 0) + 1);
    if (this.#findings.length < this.#settings.mostTold) this.#findings.push(finding);
  }
}
