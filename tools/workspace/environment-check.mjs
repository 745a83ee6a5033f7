/**
 * Whether the given variables can be used, asked before anything is installed or started: all that is wrong with them is
 * said at once. What judges is what the API and the worker begin with (libs/environment), read as it stands.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { inWorkspace } from './paths.mjs';
import { StartError } from './progress.mjs';

/** Which Node.js can read TypeScript; before the first install that may be none. */
function readerOfTypeScript() {
  const pinned = inWorkspace('node_modules/.bin/node');
  if (existsSync(pinned)) return realpathSync(pinned);
  const [major, minor] = process.versions.node.split('.').map(Number);
  return major > 23 || (major === 22 && minor >= 18) ? process.execPath : undefined;
}

/** What `npm start` gives its processes where nobody else does, as far as it is judged. */
function standIns(given) {
  const has = (name) => given[name] !== undefined && given[name].trim() !== '';
  const redisIsGiven = ['REDIS_URL', 'REDIS_CLUSTER_NODES', 'REDIS_SENTINELS'].some(has);
  const missing = {
    ADMIN_API_KEY: 'a-key-that-npm-start-makes',
    ENCRYPTION_KEY: Buffer.alloc(32).toString('base64'),
    DATABASE_URL: 'postgres://127.0.0.1/local',
    ...(redisIsGiven ? {} : { REDIS_URL: 'redis://127.0.0.1:6379' }),
    ...(has('OPENAI_BASE_URL') ? {} : { OPENAI_BASE_URL: 'http://127.0.0.1/v1', OPENAI_API_KEY: 'simulated' }),
  };
  return Object.fromEntries(Object.entries(missing).filter(([name]) => !has(name)));
}

/**
 * False: there is no Node.js here yet that could tell.
 * @throws StartError that names every variable that cannot be used
 */
export function checkEnvironment() {
  const node = readerOfTypeScript();
  if (node === undefined) return false;
  const { status, error, stderr } = spawnSync(node, [inWorkspace('tools/workspace/judge-environment.mjs')], {
    env: { ...process.env, NODE_NO_WARNINGS: '1', ...standIns(process.env) },
    encoding: 'utf8',
  });
  if (status === 0) return true;
  throw new StartError(stderr.trim() || `The environment could not be checked: ${error?.message ?? `code ${status}`}`);
}
