import { CHAT_COMPLETIONS } from '../protocol/chat-completions/chat-completions.js';
import type { JsonObject } from '../protocol/protocol.js';
import { Asker, type Question } from './asker.js';
import type { UpstreamRequest, UpstreamResponse } from './upstream-client.js';

const target = { provider: 'openai', baseUrl: 'http://p/v1', apiKey: null, simulated: false };

function question(body: JsonObject, json: JsonObject | null = body): Question {
  return {
    target,
    protocol: CHAT_COMPLETIONS,
    facts: CHAT_COMPLETIONS.readRequest(body),
    raw: Buffer.from(JSON.stringify(body)),
    json,
    headers: {},
    signal: new AbortController().signal,
  };
}

const messages = [{ role: 'user', content: 'x' }];
const JSON_REQUEST = { model: 'm', messages };
const STREAM_REQUEST = { model: 'm', messages, stream: true };

async function* nothing(): AsyncGenerator<Buffer> {}

const STREAM: UpstreamResponse = { kind: 'stream', status: 200, headers: {}, bytes: nothing() };
const WHOLE: UpstreamResponse = { kind: 'json', status: 200, headers: {}, bytes: nothing() };

function refusal(status: number, message: string): UpstreamResponse {
  return { kind: 'refused', status, headers: {}, body: Buffer.from(JSON.stringify({ error: { message } })) };
}

/** A provider that answers by what it is asked, and remembers. */
function provider(answer: (body: JsonObject) => UpstreamResponse) {
  const asked: JsonObject[] = [];
  const client = {
    call: (request: UpstreamRequest): Promise<UpstreamResponse> => {
      const body = JSON.parse(String(request.body)) as JsonObject;
      asked.push(body);
      return Promise.resolve(answer(body));
    },
  };
  return { asked, client };
}

describe('asking a provider', () => {
  it('is for a stream with usage, whatever the client wants', async () => {
    const { asked, client } = provider(() => STREAM);
    const asker = new Asker(client);
    expect(await asker.ask(question(JSON_REQUEST))).toEqual({ response: STREAM, usageAsked: true });
    await asker.ask(question({ ...STREAM_REQUEST, stream_options: { include_obfuscation: false } }));
    expect(asked).toEqual([
      { ...JSON_REQUEST, stream: true, stream_options: { include_usage: true } },
      { ...STREAM_REQUEST, stream_options: { include_obfuscation: false, include_usage: true } },
    ]);
  });

  it('sends on a body that would not survive rewriting as it is', async () => {
    const { asked, client } = provider(() => WHOLE);
    expect(await new Asker(client).ask(question(JSON_REQUEST, null))).toEqual({ response: WHOLE, usageAsked: false });
    expect(asked).toEqual([JSON_REQUEST]);
  });

  it('asks once more in the client’s own form where streaming is refused, and remembers that for the model', async () => {
    let now = 0;
    const { asked, client } = provider((body) =>
      body['stream'] === true ? refusal(400, "Unsupported value: 'stream'") : WHOLE,
    );
    const asker = new Asker(client, () => now);
    const refusals: UpstreamResponse[] = [];
    const first = question(JSON_REQUEST);
    const asking = { ...first, onRefused: (refused: UpstreamResponse) => Promise.resolve(void refusals.push(refused)) };
    expect(await asker.ask(asking)).toEqual({ response: WHOLE, usageAsked: false });
    expect(refusals).toHaveLength(1);
    await asker.ask(question(JSON_REQUEST));
    expect(asked.map((body) => body['stream'])).toEqual([true, undefined, undefined]);
    await asker.ask(question({ ...JSON_REQUEST, model: 'other' }));
    expect(asked.slice(3).map((body) => body['stream'])).toEqual([true, undefined]);
    now = 3_600_001;
    await asker.ask(question(JSON_REQUEST));
    expect(asked.slice(5).map((body) => body['stream'])).toEqual([true, undefined]);
  });

  it('takes a refusal for what it is when it says nothing of streaming', async () => {
    const { asked, client } = provider(() => refusal(400, 'The upstream does not take this.'));
    await new Asker(client).ask(question(JSON_REQUEST));
    expect(asked).toHaveLength(1);
  });

  it('drops only the wish for usage where the provider streams without it', async () => {
    const { asked, client } = provider((body) =>
      body['stream_options'] === undefined ? STREAM : refusal(422, 'unknown field stream_options'),
    );
    expect(await new Asker(client).ask(question(STREAM_REQUEST))).toEqual({ response: STREAM, usageAsked: false });
    expect(asked[1]).toEqual(STREAM_REQUEST);
  });

  it('understands a refusal that names only include_usage, and does not ask that model for it again for a while', async () => {
    const { asked, client } = provider((body) =>
      body['stream_options'] === undefined ? STREAM : refusal(400, 'Extra inputs are not permitted: include_usage'),
    );
    const asker = new Asker(client);
    expect(await asker.ask(question(STREAM_REQUEST))).toEqual({ response: STREAM, usageAsked: false });
    await asker.ask(question(STREAM_REQUEST));
    expect(asked.slice(1)).toEqual([STREAM_REQUEST, STREAM_REQUEST]);
  });

  it.each([
    ['another reason', refusal(400, 'unknown model')],
    ['a limit', refusal(429, 'too many streams')],
    ['a fault', refusal(500, 'stream broke')],
  ])('passes on a refusal for %s', async (_, refused) => {
    const { asked, client } = provider(() => refused);
    expect((await new Asker(client).ask(question(JSON_REQUEST))).response).toBe(refused);
    expect(asked).toHaveLength(1);
  });

  it('learns nothing where the client’s own form is refused too', async () => {
    const { asked, client } = provider(() => refusal(400, 'the word stream in a message'));
    const asker = new Asker(client);
    await asker.ask(question(JSON_REQUEST));
    await asker.ask(question(JSON_REQUEST));
    expect(asked.map((body) => body['stream'])).toEqual([true, undefined, true, undefined]);
  });

  it('does not ask twice what the client asked himself', async () => {
    const { asked, client } = provider(() => refusal(400, 'stream is not supported'));
    await new Asker(client).ask(question({ ...STREAM_REQUEST, stream_options: { include_usage: true } }));
    expect(asked).toHaveLength(1);
  });

  it('forgets the oldest models rather than grow', async () => {
    const { asked, client } = provider((body) => (body['stream'] === true ? refusal(400, 'stream') : WHOLE));
    const asker = new Asker(client);
    for (let at = 0; at <= 1000; at++) await asker.ask(question({ ...JSON_REQUEST, model: `m${at}` }));
    asked.length = 0;
    await asker.ask(question({ ...JSON_REQUEST, model: 'm1000' }));
    await asker.ask(question({ ...JSON_REQUEST, model: 'm0' }));
    expect(asked).toHaveLength(3);
  });
});
