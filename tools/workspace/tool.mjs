/**
 * `npm run bench`, `npm run chaos` and the other tools: installs what is missing, builds what changed, then runs the tool.
 * `npm run build` ends before that. What this says goes to standard error, because the output of some tools is a file.
 */
import { build } from './build.mjs';
import { runInForeground } from './foreground.mjs';
import { install } from './install.mjs';
import { inWorkspace } from './paths.mjs';
import { environmentOfStart } from './running-environment.mjs';
import { environmentWithPrograms, runtime } from './runtime.mjs';

/**
 * `script` is the built file. `projects` are built before it, with what they depend on at run time; all, where none are
 * named. `joinsStart`: variables that are not given are those of the `npm start` that runs in this clone.
 */
const TOOLS = {
  build: {},
  bench: { script: 'tools/bench/dist/bench.js' },
  chaos: { script: 'tools/chaos/dist/chaos.js' },
  // The heap's helper threads would compete with the clients that the demonstration measures.
  demo: { script: 'tools/demo/dist/demo.js', projects: ['@promptsales/demo'], nodeOptions: ['--single-threaded'] },
  environment: { script: 'libs/environment/dist/command.js', projects: ['@promptsales/environment'] },
  eval: { script: 'tools/eval/dist/eval.js', projects: ['@promptsales/semantics', '@promptsales/eval'] },
  keyspace: { script: 'tools/keyspace/dist/command.js', joinsStart: true },
  mutations: {
    script: 'tools/simulator/dist/mutations/command.js',
    projects: ['@promptsales/cache-core', '@promptsales/simulator'],
  },
};

async function main(name, args) {
  if (!Object.hasOwn(TOOLS, name ?? '')) throw new Error(`Usage: npm run ${Object.keys(TOOLS).join('|')} [-- …]`);
  const { script, projects, nodeOptions = [], joinsStart = false } = TOOLS[name];
  await install({ onStart: () => console.error('installing packages …') });
  await build({ projects });
  if (script === undefined) return;
  const env = { ...environmentWithPrograms(), ...(joinsStart ? environmentOfStart(process.env) : {}) };
  await runInForeground(runtime(), [...nodeOptions, inWorkspace(script), ...args], {
    what: `npm run ${name} was`,
    env,
  });
}

main(process.argv[2], process.argv.slice(3)).catch((error) => {
  console.error(error.message);
  process.exit(1);
});
