import { LoadsExhaustedError, LoadTimeoutError } from '@promptsales/cache-core';
import { problemOf } from '@promptsales/http-edge';
import { knownProblems } from './known-problems.js';

it.each([
  ['too many loads', new LoadsExhaustedError('lead', 'queue_full')],
  ['a load that takes too long', new LoadTimeoutError('lead', 30_000)],
])('%s is no fault of ours, and says when to try again', (_, error) => {
  expect(problemOf(error, knownProblems)).toMatchObject({
    status: 503,
    code: 'service_unavailable',
    headers: { 'retry-after': '1' },
  });
});
