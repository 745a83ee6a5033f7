import { existsSync, readFileSync } from 'node:fs';
import { isAlive } from '../local-services/index.mjs';
import { joiningEnvironment } from './joining-environment.mjs';
import { runningFile } from './paths.mjs';

/** The variables of the `npm start` that runs in this clone, where the given ones do not say otherwise. */
export function environmentOfStart(given) {
  if (!existsSync(runningFile)) return {};
  const { pid, environment } = JSON.parse(readFileSync(runningFile, 'utf8'));
  return isAlive(pid) ? joiningEnvironment(environment, given) : {};
}
