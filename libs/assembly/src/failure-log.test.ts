import { FailureLog } from './failure-log.js';

it('tells the first failure of each kind in a minute, and how many it left out', () => {
  const lines: unknown[] = [];
  let now = 0;
  const log = new FailureLog({ error: (line: unknown) => void lines.push(line) } as never, 'it failed', () => now);
  const full = Object.assign(new Error('OOM'), { code: 'redis_full' });
  for (let time = 0; time < 3; time += 1) log.failed(full);
  log.failed(new TypeError('x'));
  log.failed('text');
  now = 60_000;
  log.failed(full);
  expect(lines).toEqual([
    { err: full, code: 'redis_full', untold: 0 },
    expect.objectContaining({ code: 'TypeError', untold: 0 }),
    { err: 'text', code: 'string', untold: 0 },
    { err: full, code: 'redis_full', untold: 2 },
  ]);
});
