import { cacheSettings, keyring, redisTopology, ttlTable } from '@promptsales/assembly';
import {
  Cache,
  PlainValues,
  RedisConfigurationError,
  RedisRoles,
  RedisUnavailableError,
} from '@promptsales/cache-core';
import { EnvironmentError, readEnvironment, type Environment } from '@promptsales/environment';
import { PROBLEMS, type Finding, type Problem } from './finding.js';
import { Linter, type LintProgress, type LintReport } from './linter.js';
import { lintOptions, USAGE, UsageError, type LintOptions } from './options.js';

export interface LintTerminal {
  readonly out: (text: string) => void;
  /** Progress and what keeps it from being done: what `--json` writes stays machine-readable. */
  readonly err: (text: string) => void;
}

const CONNECT_MS = 5000;
const ANSWER_MS = 5000;
/** What would lead away from the server that `--url` names. */
const ELSEWHERE = /^REDIS_(URL|CLUSTER|SENTINEL)/;
const PROGRESS_EVERY_MS = 1000;
const SHOWN_KEY = 200;

/** 0: nothing was found. 1: something was. 2: it could not be looked at, or not to the end. */
export async function lint(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  { out, err }: LintTerminal,
  signal: AbortSignal = new AbortController().signal,
): Promise<0 | 1 | 2> {
  let roles: RedisRoles | undefined;
  let cache: Cache | undefined;
  try {
    const options = lintOptions(args);
    const environment = environmentOf(env, options);
    const topology = redisTopology(environment);
    // Nobody waits for a single answer here, and one that is late must not end the whole.
    roles = new RedisRoles({ ...topology, times: { ...topology.times, commandTimeoutMs: ANSWER_MS } }).open();
    const settings = { ...cacheSettings(environment, ttlTable(environment), keyring(environment)), l1: null };
    cache = new Cache(roles, settings);
    await Promise.all(roles.links().map((link) => link.untilUp(CONNECT_MS)));
    const began = performance.now();
    const linter = new Linter({ ...options, roles, cache, plain: new PlainValues(roles, settings), signal });
    const report = await linter.run(progressTo(err));
    const seconds = (performance.now() - began) / 1000;
    out(options.json ? asJson(report, seconds) : asText(report, seconds));
    return report.findings.length > 0 ? 1 : 0;
  } catch (error) {
    err(`${explained(error, signal)}\n`);
    return 2;
  } finally {
    cache?.close();
    await roles?.close();
  }
}

/** It needs Redis alone: what the rest of the platform cannot do without stands in for itself. */
function environmentOf(env: NodeJS.ProcessEnv, { url }: LintOptions): Environment {
  const given = Object.entries(env).filter(([, value]) => value !== undefined && value !== '');
  return readEnvironment({
    ADMIN_API_KEY: 'the-linter-lets-nobody-in',
    DATABASE_URL: 'postgres://localhost/unused',
    ENCRYPTION_KEY: Buffer.alloc(32).toString('base64'),
    ...Object.fromEntries(url === null ? given : given.filter(([name]) => !ELSEWHERE.test(name))),
    ...(url === null ? {} : { REDIS_URL: url }),
  });
}

function progressTo(err: (text: string) => void): (at: LintProgress) => void {
  let told = performance.now();
  return ({ place, looked, total, findings }) => {
    if (performance.now() - told < PROGRESS_EVERY_MS) return;
    told = performance.now();
    err(`${place}: ${looked} of ${total} keys, ${findings} findings so far\n`);
  };
}

function asJson({ keys, problems, findings, untold }: LintReport, seconds: number): string {
  return `${JSON.stringify({ keys, seconds: Number(seconds.toFixed(3)), problems, untold, findings }, null, 2)}\n`;
}

function asText({ keys, problems, findings, untold }: LintReport, seconds: number): string {
  const lines = findings.map(line);
  if (untold > 0) lines.push(`… and ${untold} more`);
  const summary = Object.entries(problems).map(([problem, n]) => `${n} × ${problem} (${PROBLEMS[problem as Problem]})`);
  const looked = `${keys} keys in ${seconds.toFixed(1)} s`;
  return `${[...lines, `${looked}: ${summary.length === 0 ? 'nothing is wrong' : summary.join('; ')}`].join('\n')}\n`;
}

function line({ problem, key, family, place, detail }: Finding): string {
  return [problem, shown(key), family ?? '–', `${place}: ${detail}`].join('\t');
}

/** Nobody's key writes to the terminal what it likes. */
function shown(key: string): string {
  const short = key.length > SHOWN_KEY ? `${key.slice(0, SHOWN_KEY)}…` : key;
  return /[\p{C}\s]/u.test(short) ? JSON.stringify(short).replaceAll(/\p{C}/gu, '?') : short;
}

function explained(error: unknown, signal: AbortSignal): string {
  if (signal.aborted) return 'stopped before the end; nothing can be said of the whole';
  if (error instanceof EnvironmentError || error instanceof RedisConfigurationError) return error.message;
  if (error instanceof RedisUnavailableError) return `${error.message}; not all keys were looked at`;
  if (error instanceof UsageError) return `${error.message}\n${USAGE}`;
  return error instanceof Error ? error.message : String(error);
}
