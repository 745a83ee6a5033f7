/** `node run-tool.mjs SCRIPT …`: a built tool with the variables of the `npm start` that runs in this clone, if one does. */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { environmentOfStart } from './running-environment.mjs';

const [script] = process.argv.splice(2, 1);
Object.assign(process.env, environmentOfStart(process.env));
await import(pathToFileURL(resolve(script)).href);
