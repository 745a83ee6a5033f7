/**
 * `npm run api` and `npm run worker`: one built process against the given variables, in the foreground. While `npm start`
 * runs in this clone, variables that are not given are those of `npm start` (but for the ports), so that a further
 * process joins it.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { endWithThisProcess } from '../local-services/index.mjs';
import { build } from './build.mjs';
import { install } from './install.mjs';
import { inWorkspace } from './paths.mjs';
import { environmentOfStart } from './running-environment.mjs';
import { environmentWithPrograms, runtime } from './runtime.mjs';

async function main(name) {
  if (name !== 'api' && name !== 'worker') throw new Error('Usage: npm run api, or npm run worker');
  await install({ onStart: () => console.error('installing packages …') });
  const script = inWorkspace('apps', name, 'dist/main.js');
  if (!existsSync(script)) {
    console.error('building …');
    await build();
  }
  // In a session of its own: a terminal's Ctrl-C comes once, from here, and not a second time by itself.
  const child = spawn(runtime(), [script, ...process.argv.slice(3)], {
    cwd: inWorkspace('.'),
    env: { ...environmentWithPrograms(), ...environmentOfStart(process.env) },
    stdio: ['ignore', 'inherit', 'inherit'],
    detached: true,
  });
  endWithThisProcess({ pid: child.pid, signal: 'TERM' });
  let signalled = 0;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      // npm hands on a Ctrl-C that the terminal has already delivered: one of the two is enough.
      if (Date.now() - signalled > 1_500) child.kill(signal === 'SIGHUP' ? 'SIGTERM' : signal);
      signalled = Date.now();
    });
  }
  child.once('error', fail);
  child.once('exit', (code, signal) => process.exit(code ?? (signal ? 128 : 1)));
}

function fail(error) {
  console.error(error.message);
  process.exit(1);
}

main(process.argv[2]).catch(fail);
