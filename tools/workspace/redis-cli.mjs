/**
 * `npm run redis-cli -- ARGUMENTS`: redis-cli on the Redis of the running `npm start`, or on the one that REDIS_URL names.
 * Arguments go on to it: `-n 1` is the database of LLM answers.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { findRedisCli, isAlive } from '../local-services/index.mjs';
import { localDirectory, runningFile } from './paths.mjs';

function urlOfStart() {
  if (!existsSync(runningFile)) return undefined;
  const { pid, environment } = JSON.parse(readFileSync(runningFile, 'utf8'));
  return isAlive(pid) ? environment.REDIS_URL : undefined;
}

function redisUrl() {
  const url = process.env.REDIS_URL || urlOfStart();
  if (url) return new URL(url);
  throw new Error(
    'There is no Redis to ask: npm start does not run in this clone, or was given a Redis of its own. Name it:  ' +
      'REDIS_URL=redis://127.0.0.1:6379 npm run redis-cli',
  );
}

/** Everything of the URL but the password, which other users of the machine would see among the arguments. */
function argumentsOf(url) {
  const database = url.pathname.slice(1);
  return [
    '-h',
    url.hostname.replace(/^\[|\]$/g, ''),
    '-p',
    url.port || '6379',
    ...(url.protocol === 'rediss:' ? ['--tls'] : []),
    ...(url.username === '' ? [] : ['--user', decodeURIComponent(url.username)]),
    ...(database === '' ? [] : ['-n', database]),
  ];
}

async function main() {
  const url = redisUrl();
  const { command, env } = await findRedisCli({ localDirectory, report: (line) => console.error(`${line} …`) });
  const password = decodeURIComponent(url.password) || process.env.REDIS_PASSWORD;
  const child = spawn(command, [...argumentsOf(url), ...process.argv.slice(2)], {
    env: { ...process.env, ...env, ...(password ? { REDISCLI_AUTH: password } : {}) },
    stdio: 'inherit',
  });
  // A terminal's Ctrl-C is redis-cli's own affair.
  process.on('SIGINT', () => {});
  child.once('error', fail);
  child.once('exit', (code) => process.exit(code ?? 1));
}

function fail(error) {
  console.error(error.message);
  process.exit(1);
}

main().catch(fail);
