import { listen } from './listen.js';

it('proposes a port that is not the usual one of the worker', async () => {
  const busy = { listen: () => Promise.reject(Object.assign(new Error('busy'), { code: 'EADDRINUSE' })) };
  const refusal = listen(busy as never, { host: '127.0.0.1', port: 3000, portVariable: 'PORT' });
  await expect(refusal).rejects.toThrow('PORT=3100');
});
