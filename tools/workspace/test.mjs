/**
 * `npm test`: installs what is missing, then runs every test; arguments go on to Jest. The last line printed is the
 * count, by tools/test-kit/count-reporter.mjs.
 */
import { runInForeground } from './foreground.mjs';
import { install } from './install.mjs';
import { inWorkspace } from './paths.mjs';
import { environmentWithPrograms, runtime } from './runtime.mjs';

async function main() {
  await install({ onStart: () => console.log('installing packages …') });
  const jest = [inWorkspace('node_modules/jest/bin/jest.js'), ...process.argv.slice(2)];
  await runInForeground(runtime(), jest, { what: 'The tests were', env: environmentWithPrograms() });
}

main().catch((error) => {
  console.error(error.message);
  process.exit(1);
});
