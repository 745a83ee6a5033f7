/**
 * The Node.js that runs the product. The commands of this folder run on whatever Node.js the machine has (18 or later);
 * what they start runs on the pinned one that pnpm put into node_modules/.bin.
 */
import { existsSync, realpathSync } from 'node:fs';
import { delimiter } from 'node:path';
import { inWorkspace } from './paths.mjs';

const NEEDED_MAJOR = 24;

/** The path of a Node.js of the needed version. Call it after the install. */
export function runtime() {
  const pinned = inWorkspace('node_modules/.bin/node');
  if (existsSync(pinned)) return realpathSync(pinned);
  const [major] = process.versions.node.split('.').map(Number);
  if (major >= NEEDED_MAJOR) return process.execPath;
  throw new Error(
    `Node.js ${NEEDED_MAJOR} is needed and there is no packaged one for ${process.platform}-${process.arch}; ` +
      `this is ${process.version}. Install Node.js ${NEEDED_MAJOR} and try again.`,
  );
}

/** The present environment with the workspace's programs, its Node.js among them, before all others. */
export function environmentWithPrograms() {
  return { ...process.env, PATH: [inWorkspace('node_modules/.bin'), process.env.PATH].filter(Boolean).join(delimiter) };
}
