/** Where things lie in this clone. `.local/` holds what is fetched or made here and is never committed. */
import { join, resolve } from 'node:path';

export const workspaceRoot = resolve(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '../..');
export const localDirectory = join(workspaceRoot, '.local');
export const logDirectory = join(localDirectory, 'logs');
export const inWorkspace = (...parts) => join(workspaceRoot, ...parts);
