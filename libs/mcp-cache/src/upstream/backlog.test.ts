import { Backlog } from './backlog.js';

const KB = Buffer.alloc(1024, 'x');
const BOUNDS = { mostBytes: 2048, patienceMs: 1000 };

function opened(...answers: boolean[]) {
  const said: string[] = [];
  const backlog = new Backlog({ pause: () => said.push('pause'), resume: () => said.push('resume') }, BOUNDS);
  const streams = answers.map((one, at) => backlog.open(one, () => said.push(`hung up on ${at}`)));
  return { backlog, streams, said };
}

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

it('is read again once its client has read enough of it, and nothing is lost', async () => {
  const { backlog, streams, said } = opened(true);
  const [stream] = streams;
  for (let time = 0; time < 3; time += 1) stream?.push(KB);
  expect([backlog.bytes, said]).toEqual([3072, ['pause']]);
  stream?.end();
  let read = 0;
  for await (const chunk of stream ?? []) read += chunk.length;
  expect([read, backlog.bytes, said]).toEqual([3072, 0, ['pause', 'resume']]);
});

it.each([
  ['that alone is read', [true]],
  ['beside which others only listen', [true, false, false]],
])('a stream %s may be read as slowly as its client likes', (_what, answers) => {
  const { streams, said } = opened(...answers);
  for (let time = 0; time < 3; time += 1) streams[0]?.push(KB);
  jest.advanceTimersByTime(3_600_000);
  expect(said).toEqual(['pause']);
});

it('who holds most is hung up on when an answer was waited for behind it for long enough', async () => {
  const { backlog, streams, said } = opened(false, true, true);
  const [listened, answered, waiting] = streams;
  for (let time = 0; time < 3; time += 1) listened?.push(KB);
  answered?.push(KB);
  jest.advanceTimersByTime(999);
  expect(said).toEqual(['pause']);
  jest.advanceTimersByTime(1);
  expect([said, backlog.bytes]).toEqual([['pause', 'resume', 'hung up on 0'], 1024]);
  await expect(listened?.[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'upstream_broke_off' });
  waiting?.push(Buffer.from('answer'));
  waiting?.end();
  for await (const chunk of waiting ?? []) expect(chunk.toString()).toBe('answer');
});

it('what a client leaves behind counts no more', () => {
  const { backlog, streams, said } = opened(true, true);
  for (let time = 0; time < 3; time += 1) streams[0]?.push(KB);
  streams[0]?.leave();
  streams[0]?.push(KB);
  expect([backlog.bytes, said]).toEqual([0, ['pause', 'resume']]);
});

it('what was held of a stream that failed is read before it fails', async () => {
  const { streams } = opened(true);
  streams[0]?.push(KB);
  streams[0]?.end(new Error('broke'));
  const read: number[] = [];
  const reading = async (): Promise<void> => {
    for await (const { length } of streams[0] ?? []) read.push(length);
  };
  await expect(reading()).rejects.toThrow('broke');
  expect(read).toEqual([1024]);
});
