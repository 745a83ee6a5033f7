import { Interim } from './interim.js';

it('what comes when there is nobody to hear it any more is not held', async () => {
  const interim = new Interim();
  interim.end();
  interim.add(Buffer.from('late'));
  const told: string[] = [];
  for await (const bytes of interim.followedBy(Promise.resolve(null))) told.push(bytes.toString());
  expect(told).toEqual([]);
});

it('trap 11: a client that listens and does not read is not waited for without end', () => {
  const interim = new Interim();
  const mebibyte = Buffer.alloc(1024 * 1024);
  expect(() => {
    for (let count = 0; count < 100; count += 1) interim.add(mebibyte);
  }).toThrow(expect.objectContaining({ code: 'upstream_too_large' }));
});
