import { Readable } from 'node:stream';
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

it.each(['before it is answered', 'before it is read'])('lets a stream go whose reader leaves %s', async (when) => {
  const leaving = new AbortController();
  let letGo = false;
  async function* bytes(): AsyncGenerator<Buffer> {
    try {
      yield Buffer.from('data: 1\n\n');
      yield Buffer.from('data: 2\n\n');
    } finally {
      letGo = true;
    }
  }
  const upstream = {
    call: () => {
      if (when === 'before it is answered') leaving.abort(new Error('left'));
      return Promise.resolve({ kind: 'stream' as const, status: 200, headers: {}, bytes: bytes() });
    },
  };
  const calls = new WholeCalls(upstream, () => undefined);
  const reply = calls.makeOrStream({ request, protocol: OPENAI_ERRORS, left: leaving.signal });
  if (when === 'before it is answered') {
    await expect(reply).rejects.toThrow('left');
  } else {
    const { body } = await reply;
    Readable.from(body as AsyncIterable<Buffer>).destroy();
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(letGo).toBe(true);
});
