import { listen } from './listen.js';

/** An application whose port is taken. */
const busy = {
  getHttpAdapter: () => ({
    getInstance: () => ({ listen: () => Promise.reject(Object.assign(new Error('busy'), { code: 'EADDRINUSE' })) }),
  }),
};

it.each([
  [3000, 3100],
  [65_435, 65_535],
  [65_436, 65_336],
  [65_535, 65_435],
])('proposes in place of %i a port that exists and is not the usual one of the worker: %i', async (port, other) => {
  const refusal = listen(busy as never, { host: '127.0.0.1', port, portVariable: 'PORT' });
  await expect(refusal).rejects.toThrow(`PORT=${other},`);
});
