/**
 * `npm test`: installs what is missing, then runs every test; arguments go on to Jest. The last line printed is the
 * count, by tools/test-kit/count-reporter.mjs.
 */
import { spawn } from 'node:child_process';
import { endWithThisProcess } from '../local-services/index.mjs';
import { install } from './install.mjs';
import { inWorkspace } from './paths.mjs';
import { environmentWithPrograms, runtime } from './runtime.mjs';

async function main() {
  await install({ onStart: () => console.log('installing packages …') });
  const jest = spawn(runtime(), [inWorkspace('node_modules/jest/bin/jest.js'), ...process.argv.slice(2)], {
    cwd: inWorkspace('.'),
    env: environmentWithPrograms(),
    stdio: 'inherit',
  });
  endWithThisProcess({ pid: jest.pid, signal: 'TERM' });
  // A Ctrl-C reaches Jest by itself, being of the same terminal; a signal to this process alone is handed on.
  process.on('SIGINT', () => {});
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => jest.kill(signal));
  jest.once('error', fail);
  jest.once('exit', (code, signal) => {
    if (signal) console.error(`The tests were stopped by ${signal}.`);
    process.exit(code ?? 1);
  });
}

function fail(error) {
  console.error(error.message);
  process.exit(1);
}

main().catch(fail);
