/**
 * `npm start`: from a fresh clone to a running product. Installs and starts what is missing, builds, migrates, runs the
 * API and the worker, and stops all of it in the reverse order. Runs on Node.js 18 or later with no package installed.
 *
 * What it starts ends with it: on a signal in order, and by the watchdogs of tools/local-services when it is killed.
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { commandLineOf, tryLock } from '../local-services/index.mjs';
import { Application, freshLog } from './application.mjs';
import { build } from './build.mjs';
import { checkEnvironment } from './environment-check.mjs';
import { install } from './install.mjs';
import { listenAddress } from './listen-address.mjs';
import { keepRunning, startLocalPostgres, startLocalRedis } from './local-data.mjs';
import { inWorkspace, localDirectory, runningFile, workspaceRoot } from './paths.mjs';
import { say, StartError, step, withoutPassword } from './progress.mjs';
import { simulatedProviderKey } from './joining-environment.mjs';
import { keptPort } from './kept-port.mjs';
import { adminApiKey, adminKeyFile, encryptionKey } from './secrets.mjs';

const given = (name) => process.env[name] !== undefined && process.env[name] !== '';

/** What has been started, each as a function that stops it; stopped from the last to the first. */
const stops = [];
const applications = [];
let stopping;

/** A terminal's Ctrl-C arrives twice, from the terminal and from npm: only a later one means "at once". */
const SAME_KEYSTROKE_MS = 1_500;

function stopAll() {
  stopping ??= (async () => {
    // What is being started when the signal comes is in the list by the time the list is empty.
    while (stops.length > 0) {
      const { name, stop } = stops.pop();
      await stop().catch((error) => say(`Stopping the ${name} failed: ${error.message}`));
    }
  })();
  return stopping;
}

async function finish(code) {
  await stopAll();
  process.exit(code);
}

function stopOnSignals() {
  let firstAt;
  const onSignal = (signal) => {
    if (firstAt === undefined) {
      firstAt = Date.now();
      say(`\nstopping (${signal}) …`);
      void finish(0);
      return;
    }
    if (Date.now() - firstAt < SAME_KEYSTROKE_MS) return;
    say('stopping at once');
    for (const application of applications) application.kill();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, onSignal);
  // A terminal that was closed takes no more lines; stopping goes on without them.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  // Children are no reason for a Node process to live on here (their handles are let go of); this is.
  setInterval(() => {}, 60_000);
  if (process.env.npm_lifecycle_event === undefined) return;
  // npm cannot hand on a kill -9 of itself; whoever started us is gone then.
  const parent = process.ppid;
  setInterval(() => process.ppid !== parent && onSignal('npm has ended'), 1_000).unref();
}

/** Adds to what must be stopped. Whoever gets here when stopping has begun stays: the process ends in `finish`. */
async function started(name, stop) {
  stops.push({ name, stop });
  if (stopping) await new Promise(() => {});
}

function tryStartLock(path) {
  try {
    return tryLock(path);
  } catch (error) {
    if (!['EACCES', 'EPERM', 'EROFS'].includes(error.code)) throw error;
    throw new StartError(
      `${workspaceRoot} cannot be written to by this user (${error.code}), and what npm start makes is kept there. ` +
        'Run it as the owner of the folder, or in a clone of your own.',
    );
  }
}

async function lockClone() {
  const path = join(localDirectory, 'locks/start.lock');
  let lock = tryStartLock(path);
  if (!lock.release && !(await commandLineOf(lock.owner)).includes('start.mjs')) {
    rmSync(path, { force: true }); // Its owner died, and the pid went to another program since.
    lock = tryStartLock(path);
  }
  if (!lock.release) {
    throw new StartError(
      `npm start already runs in this clone (process ${lock.owner}). Stop that one, use another clone, ` +
        `or add a process to it:  PORT=3100 npm run api`,
    );
  }
  process.on('exit', () => lock.release());
}

async function redis(environment) {
  if (['REDIS_URL', 'REDIS_CLUSTER_NODES', 'REDIS_SENTINELS'].some(given)) {
    say(`  ✓ ${'redis'.padEnd(12)}given: ${withoutPassword(process.env.REDIS_URL ?? 'redis://cluster')}`);
    return;
  }
  await step('redis', async (report) => {
    freshLog('redis');
    const server = await startLocalRedis(report);
    await started('redis', keepRunning('redis', server));
    environment.REDIS_URL = server.url;
    return `${server.url}, data in .local/redis`;
  });
}

async function postgres(environment) {
  if (given('DATABASE_URL')) {
    say(`  ✓ ${'postgresql'.padEnd(12)}given: ${withoutPassword(process.env.DATABASE_URL)}`);
    return;
  }
  await step('postgresql', async (report) => {
    freshLog('postgresql');
    const server = await startLocalPostgres(report);
    await started('postgresql', keepRunning('postgresql', server));
    environment.DATABASE_URL = server.url;
    return withoutPassword(server.url);
  });
}

async function packages() {
  await step('packages', async (report) => {
    let what = 'nothing to install';
    await install({
      onStart: () => {
        what = 'installed';
        report('installing, which takes a minute the first time');
      },
    });
    return what;
  });
}

async function builtProduct() {
  await step('build', async () => {
    await build();
    return 'built';
  });
}

async function upstream(environment) {
  if (given('OPENAI_BASE_URL')) return;
  await step('upstream', async () => {
    const port = await keptPort(join(localDirectory, 'simulated-provider-port'));
    const variables = { SIMULATED_PROVIDER_PORT: String(port) };
    const address = await run('simulated-provider', 'tools/simulated-provider/dist/serve.js', variables);
    environment.OPENAI_BASE_URL = `${address}/v1`;
    environment.OPENAI_API_KEY = simulatedProviderKey;
    // It speaks both protocols, each at the address that its SDK takes.
    if (!given('ANTHROPIC_BASE_URL')) {
      environment.ANTHROPIC_BASE_URL = address;
      environment.ANTHROPIC_API_KEY = simulatedProviderKey;
    }
    environment.SIMULATED_UPSTREAM = 'true';
    return `simulated provider on ${environment.OPENAI_BASE_URL} (OPENAI_BASE_URL chooses a real one)`;
  });
}

async function migrate(environment) {
  await step('migrate', async () => {
    const migration = new Application('migration', 'apps/api/dist/migrate.js', { environment });
    await started('migration', () => migration.stop());
    const { code } = await migration.untilEnded();
    // It may have been ended by the stopping, and then nothing is up to date.
    if (stopping) await new Promise(() => {});
    if (code !== 0) throw new StartError(await migration.describeExit());
    return 'the database is up to date';
  });
}

/** A process of ours that ends by itself ends everything: a product that runs in part would only look as if it ran. */
async function run(name, script, environment) {
  const application = new Application(name, script, { environment });
  applications.push(application);
  await started(name, () => application.stop());
  const address = await application.untilReady();
  void application.exited.then(async () => {
    if (stopping) return;
    console.error(await application.describeExit());
    await finish(1);
  });
  return address;
}

/** Waits until readiness answers 200: `ready` is only said of what answers. */
async function untilHealthy(address, timeoutMs = 60_000) {
  const probe = new URL('/health/ready', address.replace('//0.0.0.0', '//127.0.0.1').replace('//[::]', '//[::1]'));
  const deadline = Date.now() + timeoutMs;
  let last = 'no answer';
  while (Date.now() < deadline) {
    try {
      const answer = await fetch(probe, { signal: AbortSignal.timeout(5_000) });
      if (answer.status === 200) return;
      last = `${answer.status} ${await answer.text()}`;
    } catch (error) {
      last = error.message;
    }
    await sleep(50);
  }
  throw new StartError(`${probe} was not ready within ${timeoutMs / 1000} s: ${last}`);
}

function secrets(environment) {
  if (!given('ADMIN_API_KEY')) environment.ADMIN_API_KEY = adminApiKey();
  if (!given('ENCRYPTION_KEY')) environment.ENCRYPTION_KEY = encryptionKey();
}

function adminKeyLine(environment) {
  if (environment.ADMIN_API_KEY === undefined) return 'the one in ADMIN_API_KEY';
  return process.stdout.isTTY ? environment.ADMIN_API_KEY : `in ${adminKeyFile}`;
}

async function main() {
  const startedAt = Date.now();
  await lockClone();
  const isChecked = checkEnvironment();
  const { host, port, workerPort, note } = await listenAddress();
  stopOnSignals();
  say('PromptSales Cache');
  if (note) say(`  ! ${note}`);
  const environment = { HOST: host, PORT: String(port), WORKER_PORT: String(workerPort) };
  // On a developer's own machine; elsewhere an operator says what may be started.
  if (!given('MCP_STDIO_ALLOW')) environment.MCP_STDIO_ALLOW = 'node,npx';
  secrets(environment);

  const installed = packages().then(() => {
    if (!isChecked) checkEnvironment();
  });
  await Promise.all([redis(environment), installed.then(() => Promise.all([postgres(environment), builtProduct()]))]);
  await upstream(environment);
  if (existsSync(inWorkspace('apps/api/dist/migrate.js'))) await migrate(environment);

  let address;
  let workerAddress;
  await step('processes', async () => {
    // The last to start is the first to stop: the API drains while all it needs is still there.
    const worker = run('worker', 'apps/worker/dist/main.js', environment);
    const api = run('api', 'apps/api/dist/main.js', environment);
    [address, workerAddress] = await Promise.all([api, worker]);
    await untilHealthy(address);
    return 'API and worker are ready';
  });
  mkdirSync(localDirectory, { recursive: true });
  writeFileSync(
    runningFile,
    `${JSON.stringify({ pid: process.pid, address, workerAddress, environment }, null, 2)}\n`,
    { mode: 0o600 },
  );
  // Only what this process has written: a second start is refused here, and must not cut others off from the first.
  await started('entry for further processes', async () => rmSync(runningFile, { force: true }));

  say('');
  say(`  OpenAI SDK    baseURL ${address}/v1${environment.SIMULATED_UPSTREAM ? '   (answers are simulated)' : ''}`);
  say(`  admin key     ${adminKeyLine(environment)}`);
  say(`  documentation ${address}/docs`);
  say(`  worker        ${workerAddress.startsWith('http') ? workerAddress : 'without a port of its own'}`);
  say(
    `  logs          .local/logs    started in ${((Date.now() - startedAt) / 1000).toFixed(1)} s; Ctrl-C stops everything`,
  );
  say(`ready ${address}`);
}

function fail(error) {
  if (stopping) return;
  console.error(`\n${error instanceof StartError || error.code ? error.message : error.stack}`);
  void finish(1);
}

main().catch(fail);
