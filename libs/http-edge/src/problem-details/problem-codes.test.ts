import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { codeOfStatus, PROBLEM_CODES } from './problem-codes.js';

const page = readFileSync(join(import.meta.dirname, '../../../../docs/api-errors.md'), 'utf8');

describe('PROBLEM_CODES', () => {
  it('stand in docs/api-errors.md with their status, each and no other', () => {
    const documented = [...page.matchAll(/^\| `(\w+)` +\| (\d{3}) /gm)].map(([, code, status]) => `${code} ${status}`);
    const declared = Object.entries(PROBLEM_CODES).map(([code, { status }]) => `${code} ${status}`);
    expect(documented).toEqual(declared);
  });

  it('have a general one for every status that is used', () => {
    for (const { status } of Object.values(PROBLEM_CODES))
      expect(PROBLEM_CODES[codeOfStatus(status)].status).toBe(status);
    expect(codeOfStatus(418)).toBe('bad_request');
    expect(codeOfStatus(599)).toBe('internal_error');
  });
});
