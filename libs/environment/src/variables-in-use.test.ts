import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Section, Variable, VariableSet } from './variable.js';
import { VARIABLES } from './variables.js';

const root = join(import.meta.dirname, '../../..');
const readers = ['apps/*/src/**/*.ts', 'libs/assembly/src/**/*.ts', 'libs/environment/src/contradictions.ts']
  .flatMap((pattern) => globSync(pattern, { cwd: root }))
  .filter((file) => !file.endsWith('.test.ts'))
  .map((file) => readFileSync(join(root, file), 'utf8'))
  .join('\n');

type Definition = Variable<unknown> | VariableSet<string, unknown>;

const fields = Object.values<Section<Record<string, Definition>>>(VARIABLES)
  .flatMap((section) => Object.entries(section.variables))
  .filter(([, variable]) => variable.shape === 'set' || variable.notYet === null)
  .map(([field]) => field);

it.each(fields)(
  'the value of %s is read by whoever wires the processes; declare the variable `notYet` when it is not',
  (field) => {
    expect(new RegExp(`\\b${field}\\b`).test(readers)).toBe(true);
  },
);
