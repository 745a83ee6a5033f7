import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Variable } from './variable.js';
import { VARIABLES } from './variables.js';

const root = join(import.meta.dirname, '../../..');
const readers = ['apps/*/src/**/*.ts', 'libs/assembly/src/**/*.ts', 'libs/environment/src/contradictions.ts']
  .flatMap((pattern) => globSync(pattern, { cwd: root }))
  .filter((file) => !file.endsWith('.test.ts'))
  .map((file) => readFileSync(join(root, file), 'utf8'))
  .join('\n');

const variables = Object.values(VARIABLES).flatMap((section) =>
  Object.entries<Partial<Variable<unknown>>>(section.variables),
);

it.each(variables.filter(([, { notYet }]) => typeof notYet !== 'string').map(([field]) => field))(
  'the value of %s is read by whoever wires the processes; declare the variable `notYet` when it is not',
  (field) => {
    expect(new RegExp(`\\b${field}\\b`).test(readers)).toBe(true);
  },
);
