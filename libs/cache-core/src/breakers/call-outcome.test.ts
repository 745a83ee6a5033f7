import { outcomeOfStatus, retryAfterMs } from './call-outcome.js';

it.each([
  [200, 'success'],
  [304, 'success'],
  [400, 'neutral'],
  [401, 'neutral'],
  [404, 'neutral'],
  [408, 'neutral'],
  [422, 'neutral'],
  [429, 'neutral'],
  [500, 'failure'],
  [501, 'neutral'],
  [502, 'failure'],
  [503, 'failure'],
  [504, 'failure'],
  [529, 'failure'],
] as const)('status %i is a %s of the service', (status, outcome) => {
  expect(outcomeOfStatus(status)).toBe(outcome);
});

it.each([
  [undefined, null],
  ['', null],
  ['soon', null],
  ['-3', null],
  ['1.5', null],
  ['2026-11-21', null],
  ['0', 0],
  [' 120 ', 120_000],
  ['Sat, 21 Nov 2026 10:00:30 GMT', 30_000],
  ['Sat, 21 Nov 2026 09:00:00 GMT', 0],
])('Retry-After: %s means %s ms', (header, ms) => {
  expect(retryAfterMs(header, Date.parse('2026-11-21T10:00:00Z'))).toBe(ms);
});
