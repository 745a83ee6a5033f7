import { OPENAI_ERRORS } from '../protocol/openai-error.js';
import { WholeCalls } from './whole-call.js';

const target = { provider: 'openai', baseUrl: 'http://p/v1', apiKey: null, simulated: false };
const request = { target, method: 'GET' as const, path: '/models', headers: {}, body: null };

it('reads what has come for a client who has left, so that its connection and its breaker are let go', async () => {
  const leaving = new AbortController();
  let letGo = false;
  async function* bytes(): AsyncGenerator<Buffer> {
    try {
      yield Buffer.from('{}');
    } finally {
      letGo = true;
    }
  }
  const upstream = {
    call: () => {
      leaving.abort(new Error('left'));
      return Promise.resolve({ kind: 'json' as const, status: 200, headers: {}, bytes: bytes() });
    },
  };
  const calls = new WholeCalls(upstream, () => undefined);
  await expect(calls.make({ request, protocol: OPENAI_ERRORS, left: leaving.signal })).rejects.toThrow('left');
  expect(letGo).toBe(true);
});
