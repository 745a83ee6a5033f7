/** Where things lie in this clone. `.local/` holds what is fetched or made here and is never committed. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const workspaceRoot = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
export const localDirectory = join(workspaceRoot, '.local');
export const logDirectory = join(localDirectory, 'logs');
export const inWorkspace = (...parts) => join(workspaceRoot, ...parts);

/** What `npm start` found or started, for `npm run api`, the worker and the demonstration (mode 600). */
export const runningFile = join(localDirectory, 'running.json');
