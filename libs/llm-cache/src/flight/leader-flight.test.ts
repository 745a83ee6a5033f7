import type { FillResult, Leadership } from '@promptsales/cache-core';
import { LedgerUnavailable } from '../ledger/ledger-errors.js';
import type { CallFacts, Intent } from '../ledger/ledger.js';
import { MemoryLedger } from '../ledger/memory-ledger.js';
import { CHAT_COMPLETIONS } from '../protocol/chat-completions/chat-completions.js';
import { Asker } from '../upstream/asker.js';
import type { UpstreamRequest, UpstreamResponse } from '../upstream/upstream-client.js';
import { DEFAULT_FLIGHT, type FlightBounds } from './flight-bounds.js';
import { LeaderFlight } from './leader-flight.js';

const HALF = 'data: {"id":"c","choices":[{"index":0,"delta":{"content":"x"},"finish_reason":null}]}\n\n';
const STOP = 'data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n';
const DONE = 'data: [DONE]\n\n';

/** What happened, in order. */
let events: string[];
let ledger: MemoryLedger;
beforeEach(() => {
  events = [];
  ledger = new MemoryLedger();
});

async function* bytesOf(...events_: (string | Promise<string>)[]): AsyncGenerator<Buffer> {
  for (const event of events_) yield Buffer.from(await event);
}

function streamOf(...parts: (string | Promise<string>)[]): UpstreamResponse {
  return { kind: 'stream', status: 200, headers: {}, bytes: bytesOf(...parts) };
}

function leadershipOf(filling: Promise<FillResult> = Promise.resolve('stored')): Leadership {
  return {
    token: 'p.1',
    canStore: true,
    fill: () => {
      events.push('fill');
      return filling;
    },
    prolong: () => null,
    release: () => {
      events.push('release');
      return Promise.resolve();
    },
  };
}

function fly(
  answer: (request: UpstreamRequest) => Promise<UpstreamResponse>,
  leadership = leadershipOf(),
  bounds: Partial<FlightBounds> = {},
): LeaderFlight {
  const body = { model: 'm', messages: [{ role: 'user', content: 'x' }] };
  const attribution = {
    tenant: 't',
    keyId: 'k',
    client: 'c',
    userId: null,
    clienteId: null,
    campanaId: null,
    segmento: null,
  };
  const call: CallFacts = { ...attribution, route: '/r', provider: 'p', model: 'm', simulated: false, identity: 'i' };
  const client = {
    call: (request: UpstreamRequest) => {
      events.push('call');
      return answer(request);
    },
  };
  const flight = new LeaderFlight(
    {
      question: {
        target: { provider: 'p', baseUrl: 'http://p', apiKey: null, simulated: false },
        protocol: CHAT_COMPLETIONS,
        facts: CHAT_COMPLETIONS.readRequest(body),
        raw: Buffer.from(JSON.stringify(body)),
        json: body,
        headers: {},
      },
      keeping: { policyAllows: true, noStore: false, ttlSeconds: null, tags: [] },
      call,
      leadership,
    },
    { asker: new Asker(client), ledger, bounds: { ...DEFAULT_FLIGHT, holdMs: 60_000, ...bounds }, observer: {} },
  );
  void flight.done.then(() => events.push('done'));
  return flight;
}

async function read(flight: LeaderFlight): Promise<string> {
  const passenger = flight.board('frames');
  let text = '';
  for (let frames = await passenger?.frames?.next(); frames; frames = await passenger?.frames?.next()) {
    text += frames.map(({ raw }) => raw.toString()).join('');
  }
  passenger?.leave();
  return text;
}

const settled = () =>
  ledger.calls.map(({ facts, outcome }) => [facts.cause ?? 'request', outcome?.status, outcome?.httpStatus]);
const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

describe('a flight that leads', () => {
  it('has the intent before it calls, stores before it ends, and is done after both', async () => {
    const flight = fly(async () => streamOf(HALF, STOP, DONE));
    expect(ledger.calls).toHaveLength(1);
    expect(await read(flight)).toBe(HALF + STOP + DONE);
    await flight.done;
    await nextTurn();
    expect(events).toEqual(['call', 'fill', 'done']);
    expect(settled()).toEqual([['request', 'completed', 200]]);
  });

  it('neither calls nor leaves a line when it is given up before its intent is durable', async () => {
    const durable = Promise.withResolvers<void>();
    const begin = ledger.begin.bind(ledger);
    jest.spyOn(ledger, 'begin').mockImplementation(async (call) => {
      const intent = await begin(call);
      await durable.promise;
      return intent;
    });
    const flight = fly(async () => streamOf(HALF, STOP, DONE));
    flight.board('whole')?.leave();
    durable.resolve();
    await flight.done;
    await nextTurn();
    expect(events).toEqual(['release', 'done']);
    expect(ledger.calls).toEqual([]);
  });

  it('lets the last event go once its answer is on the way into the cache, and says from then on when it is there', async () => {
    const filling = Promise.withResolvers<FillResult>();
    const flight = fly(async () => streamOf(HALF, STOP, DONE), leadershipOf(filling.promise));
    const reader = flight.board('whole');
    const passenger = flight.board('frames');
    expect(flight.storing).toBeNull();
    while (!events.includes('fill')) await nextTurn();
    let text = '';
    for (let frames = await passenger?.frames?.next(); frames; frames = await passenger?.frames?.next()) {
      text += frames.map(({ raw }) => raw.toString()).join('');
    }
    expect(text).toBe(HALF + STOP + DONE);
    const { storing } = flight;
    expect(storing).not.toBeNull();
    expect(await Promise.race([reader?.whole, storing, flight.done, nextTurn().then(() => 'held')])).toBe('held');
    filling.resolve('stored');
    expect(await storing).toBe(true);
    expect(await reader?.whole).toMatchObject({ kind: 'answer', stored: true });
    await flight.done;
  });

  it('hands on what came before the last event, in one piece with it, before it merges and packs the answer', async () => {
    const flight = fly(async () => streamOf(HALF + STOP + DONE));
    const passenger = flight.board('frames');
    let text = '';
    while (text !== HALF + STOP) {
      const frames = (await passenger?.frames?.next()) ?? [];
      text += frames.map(({ raw }) => raw.toString()).join('');
    }
    expect(events).toEqual(['call']);
    expect(await passenger?.frames?.next()).toMatchObject([{ raw: Buffer.from(DONE) }]);
    expect(events).toEqual(['call', 'fill']);
    await flight.done;
  });

  it('holds the JSON form back until it is stored, but not for long', async () => {
    const filling = Promise.withResolvers<FillResult>();
    const flight = fly(async () => streamOf(HALF, STOP, DONE), leadershipOf(filling.promise), { holdMs: 10 });
    expect(await flight.board('whole')?.whole).toMatchObject({ kind: 'answer', stored: false });
    expect(await flight.storing).toBe(false);
    expect(events).toEqual(['call', 'fill']);
    filling.resolve('stored');
    await flight.done;
  });

  it('makes a stream of JSON only for one who wants it, be it when the answer has ended', async () => {
    const synthesise = jest.spyOn(CHAT_COMPLETIONS, 'synthesise');
    const choice = { index: 0, message: { role: 'assistant', content: 'x' }, finish_reason: 'stop' };
    const json = JSON.stringify({ id: 'c', object: 'chat.completion', created: 1, model: 'm', choices: [choice] });
    const filling = Promise.withResolvers<FillResult>();
    const flight = fly(
      async () => ({ kind: 'json', status: 200, headers: {}, bytes: bytesOf(json) }),
      leadershipOf(filling.promise),
    );
    const passenger = flight.board('whole');
    while (flight.storing === null) await nextTurn();
    expect(synthesise).not.toHaveBeenCalled();
    const streams = [await read(flight), await read(flight)];
    expect(streams[0]).toMatch(/"content":"x"[^]*data: \[DONE\]\n\n$/);
    expect(streams[1]).toBe(streams[0]);
    expect(synthesise).toHaveBeenCalledTimes(1);
    filling.resolve('stored');
    expect(await passenger?.whole).toMatchObject({ kind: 'answer', body: Buffer.from(json), stored: true });
    await flight.done;
    synthesise.mockRestore();
  });

  it('gives and books the answer, and says that nothing is stored, where the fill fails', async () => {
    const leadership = { ...leadershipOf(), fill: () => Promise.reject(new RangeError('ttl')) };
    const flight = fly(async () => streamOf(HALF, STOP, DONE), leadership);
    expect(await read(flight)).toBe(HALF + STOP + DONE);
    expect(await flight.storing).toBe(false);
    expect(await flight.broadcast.whole).toMatchObject({ kind: 'answer', stored: false });
    await flight.done;
    expect(settled()).toEqual([['request', 'completed', 200]]);
  });

  it.each([
    [
      'a failure',
      async (): Promise<UpstreamResponse> => ({ kind: 'refused', status: 500, headers: {}, body: Buffer.from('{}') }),
      500,
    ],
    ['half an answer', async (): Promise<UpstreamResponse> => streamOf(HALF), 200],
    [
      'garbage',
      async (): Promise<UpstreamResponse> => ({ kind: 'json', status: 200, headers: {}, bytes: bytesOf('<html>') }),
      null,
    ],
  ])('trap 15: gives the lease back after %s, and settles the call as failed', async (_, answer, status) => {
    const flight = fly(answer);
    await flight.done;
    await nextTurn();
    expect(events).toEqual(['call', 'release', 'done']);
    expect(settled()).toEqual([['request', 'failed', status]]);
  });

  it('does not call what cannot be accounted for', async () => {
    ledger.begin = (): Promise<Intent> => Promise.reject(new LedgerUnavailable(5, 7));
    const flight = fly(async () => streamOf(DONE));
    expect(await flight.board('whole')?.whole).toMatchObject({
      kind: 'failed',
      error: { code: 'ledger_unavailable', status: 503, retryAfterSeconds: 7 },
    });
    await flight.done;
    expect(events.slice(0, 2)).toEqual(['release', 'done']);
  });

  it('has a line of its own for the second call where the first was refused for its form', async () => {
    let calls = 0;
    const flight = fly(async () => {
      calls += 1;
      if (calls === 2) return { kind: 'json', status: 200, headers: {}, bytes: bytesOf('{"choices":[]}') };
      return { kind: 'refused', status: 400, headers: {}, body: Buffer.from('stream is not supported') };
    });
    await flight.done;
    expect(settled()).toEqual([
      ['request', 'failed', 400],
      ['retry', 'completed', 200],
    ]);
  });

  it('trap 21: hangs up when the last has left, lets nobody on board, and books the call as aborted', async () => {
    const hungUp = Promise.withResolvers<string>();
    const flight = fly(async ({ signal }) => {
      signal.addEventListener('abort', () => hungUp.reject(signal.reason as Error));
      return streamOf(HALF, hungUp.promise);
    });
    const [first, second] = [flight.board('frames'), flight.board('whole')];
    await first?.frames?.next();
    first?.leave();
    first?.leave();
    expect(flight.board('frames')?.leave()).toBeUndefined();
    second?.leave();
    expect(flight.board('frames')).toBeNull();
    await flight.done;
    expect(settled()).toEqual([['request', 'aborted', null]]);
    expect(events.slice(0, 2)).toEqual(['call', 'release']);
  });

  it('trap 21: goes on for one who waits in another process', async () => {
    const rest = Promise.withResolvers<string>();
    const flight = fly(async () => streamOf(HALF, rest.promise));
    let awaited = true;
    flight.mirroredFor(() => awaited);
    flight.board('frames')?.leave();
    expect(flight.board('whole')).not.toBeNull();
    awaited = false;
    rest.resolve(STOP + DONE);
    await flight.done;
    expect(settled()).toEqual([['request', 'completed', 200]]);
  });

  it('lets go of an answer that it gives up in the middle', async () => {
    let letGo = false;
    async function* large(): AsyncGenerator<Buffer> {
      try {
        yield Buffer.from(HALF + 'data: ' + 'x'.repeat(5000));
        yield Buffer.from(HALF);
      } finally {
        letGo = true;
      }
    }
    const stream: UpstreamResponse = { kind: 'stream', status: 200, headers: {}, bytes: large() };
    const flight = fly(async () => stream, leadershipOf(), { maxFrameBytes: 1000 });
    await flight.done;
    expect(settled()).toEqual([['request', 'failed', null]]);
    expect(letGo).toBe(true);
  });

  describe('with a stream that has no end', () => {
    const TINY = { retainBytes: 4096, windowBytes: 1024, maxAnswerBytes: 4096, maxStoredBytes: 4096 };

    async function* endless(signal: AbortSignal): AsyncGenerator<Buffer> {
      for (; !signal.aborted; await nextTurn()) yield Buffer.from(HALF);
      throw signal.reason as Error;
    }
    const answer = async ({ signal }: UpstreamRequest): Promise<UpstreamResponse> => ({
      kind: 'stream',
      status: 200,
      headers: {},
      bytes: endless(signal),
    });

    it('tells the reader of JSON as soon as it is too large, and hangs up when nobody reads the stream', async () => {
      const flight = fly(answer, leadershipOf(), TINY);
      const passenger = flight.board('whole');
      expect(await passenger?.whole).toMatchObject({ kind: 'failed', error: { code: 'upstream_too_large' } });
      passenger?.leave();
      await flight.done;
      expect(settled()).toEqual([['request', 'aborted', null]]);
      expect(events).not.toContain('fill');
    });

    it('goes on for the reader of the stream, in a window', async () => {
      const flight = fly(answer, leadershipOf(), TINY);
      const [reader, whole] = [flight.board('frames'), flight.board('whole')];
      void whole?.whole.then(() => whole.leave());
      let bytes = 0;
      while (bytes < 100_000) for (const { raw } of (await reader?.frames?.next()) ?? []) bytes += raw.length;
      expect(flight.broadcast.log.bytes).toBeLessThanOrEqual(TINY.windowBytes + HALF.length);
      reader?.leave();
      await flight.done;
      expect(settled()).toEqual([['request', 'aborted', null]]);
    });
  });
});
