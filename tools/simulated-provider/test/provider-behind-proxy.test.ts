import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type CountingProxy,
  type SimulatedProvider,
  startCountingProxy,
  startSimulatedProvider,
} from '@promptsales/simulated-provider';
import OpenAI from 'openai';

let provider: SimulatedProvider;
let proxy: CountingProxy;
let client: OpenAI;

beforeAll(async () => {
  provider = await startSimulatedProvider();
  proxy = await startCountingProxy({ upstream: provider.url });
  client = new OpenAI({ baseURL: `${proxy.url}/v1`, apiKey: 'simulated', maxRetries: 0 });
});

afterAll(async () => {
  await proxy.stop();
  await provider.stop();
});

beforeEach(() => proxy.reset());

const chat = (content: string) => ({ model: 'gpt-4o-mini', messages: [{ role: 'user' as const, content }] });

async function collect(stream: AsyncIterable<OpenAI.ChatCompletionChunk>): Promise<OpenAI.ChatCompletionChunk[]> {
  const chunks: OpenAI.ChatCompletionChunk[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

describe('simulated provider', () => {
  it('has every model that it is asked for', async () => {
    const { data } = await client.models.list();
    expect(data.map(({ id }) => id)).toContain('gpt-4o');
    expect(await client.models.retrieve('gpt-4o')).toMatchObject({ id: 'gpt-4o', object: 'model' });
    const headers = { 'anthropic-version': '2023-06-01' };
    const page = await (await fetch(`${provider.url}/v1/models?limit=1`, { headers })).json();
    expect(page).toMatchObject({ data: [{ type: 'model' }], has_more: true });
    const one = await (await fetch(`${provider.url}/v1/models/claude-x%20y`, { headers })).json();
    expect(one).toMatchObject({ type: 'model', id: 'claude-x y' });
  });

  it('answers in a stream of many chunks what it answers in JSON', async () => {
    const whole = await client.chat.completions.create(chat('How do I win back customers?'));
    const stream = await client.chat.completions.create({ ...chat('How do I win back customers?'), stream: true });
    const chunks = await collect(stream);
    expect(chunks.length).toBeGreaterThan(5);
    const streamed = chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('');
    expect(streamed).toBe(whole.choices[0]?.message.content);
    expect(whole.usage?.completion_tokens).toBeGreaterThan(10);
  });

  it('tells a stream its usage only when asked', async () => {
    const without = await collect(await client.chat.completions.create({ ...chat('Hello'), stream: true }));
    expect(without.some((chunk) => chunk.usage)).toBe(false);
    const withUsage = await collect(
      await client.chat.completions.create({ ...chat('Hello'), stream: true, stream_options: { include_usage: true } }),
    );
    const whole = await client.chat.completions.create(chat('Hello'));
    expect(withUsage.at(-1)?.usage).toMatchObject({ ...whole.usage });
  });

  it('draws as many images as are asked for, but one at a time as DALL·E 3 does', async () => {
    const { data = [], usage } = await client.images.generate({ model: 'gpt-image-1', prompt: 'cats', n: 2 });
    expect(data.map(({ b64_json: image }) => image?.startsWith('iVBORw0KGgo'))).toEqual([true, true]);
    expect(usage?.total_tokens).toBeGreaterThan(1);
    const two = client.images.generate({ model: 'dall-e-3', prompt: 'cats', n: 2 });
    await expect(two).rejects.toMatchObject({ status: 400, param: 'n', type: 'invalid_request_error' });
    expect((await client.images.generate({ model: 'dall-e-3', prompt: 'a cat' })).data).toHaveLength(1);
  });

  it('draws before one’s eyes where the model can', async () => {
    const ask = { prompt: 'a cat', stream: true, partial_images: 2 } as const;
    const types: string[] = [];
    for await (const event of await client.images.generate({ ...ask, model: 'gpt-image-1' })) types.push(event.type);
    const partial = 'image_generation.partial_image';
    expect(types).toEqual([partial, partial, 'image_generation.completed']);
    const refused = client.images.generate({ ...ask, model: 'dall-e-3' });
    await expect(refused).rejects.toMatchObject({ status: 400, param: 'stream' });
    const tooMany = client.images.generate({ ...ask, model: 'gpt-image-1', partial_images: 4 });
    await expect(tooMany).rejects.toMatchObject({ status: 400, param: 'partial_images' });
  });

  it('says in OpenAI’s shape that it does not have an address', async () => {
    const answer = await fetch(`${provider.url}/v1/nowhere/responses`, { method: 'POST', body: '{}' });
    const message = 'Invalid URL (POST /v1/nowhere/responses)';
    const error = { message, type: 'invalid_request_error', param: null, code: null };
    expect([answer.status, await answer.json()]).toEqual([404, { error }]);
  });

  it('embeds texts, for the SDK that asks in base64 and for who asks in numbers', async () => {
    const ask = { model: 'text-embedding-3-small', input: ['one', 'two'], dimensions: 8 };
    const inBase64 = await client.embeddings.create(ask);
    const inNumbers = await client.embeddings.create({ ...ask, encoding_format: 'float' });
    expect(inBase64.data).toEqual(inNumbers.data);
    for (const { embedding } of inBase64.data) {
      expect(embedding).toHaveLength(8);
      expect(Math.hypot(...embedding)).toBeCloseTo(1, 5);
    }
    expect(
      (await client.embeddings.create({ model: 'text-embedding-3-large', input: 'one' })).data[0]?.embedding,
    ).toHaveLength(3072);
  });

  it('draws a picture', async () => {
    const { data } = await client.images.generate({ model: 'gpt-image-1', prompt: 'a cat' });
    expect(
      Buffer.from(data?.[0]?.b64_json ?? '', 'base64')
        .subarray(1, 4)
        .toString(),
    ).toBe('PNG');
  });

  it('completes texts, in both forms', async () => {
    const ask = { model: 'gpt-3.5-turbo-instruct', prompt: ['Dear customer', 'Dear friend'] };
    const whole = await client.completions.create(ask);
    expect(whole.choices.map(({ index, finish_reason: reason }) => [index, reason])).toEqual([
      [0, 'stop'],
      [1, 'stop'],
    ]);
    const texts = ['', ''];
    for await (const chunk of await client.completions.create({ ...ask, stream: true })) {
      for (const { index, text } of chunk.choices) texts[index] += text;
    }
    expect(texts).toEqual(whole.choices.map(({ text }) => text));
    expect(proxy.counts()).toMatchObject({
      requests: 2,
      outputTokens: whole.usage?.completion_tokens,
      withoutUsage: 1,
    });
  });

  it('lists models', async () => {
    const models = await client.models.list();
    expect(models.data.map((model) => model.id)).toEqual(expect.arrayContaining(['gpt-4o', 'gpt-4o-mini']));
    const answer = await client.chat.completions.create({ ...chat('Listed?'), model: 'gpt-4o-mini' });
    expect(answer.choices[0]?.message.content).toContain('Simulated answer');
  });

  it('tries the fixtures of a test first', async () => {
    const own = await startSimulatedProvider({
      fixtures: [
        {
          match: { userMessage: 'refuse' },
          response: { error: { message: 'No.', type: 'server_error' }, status: 503 },
        },
      ],
    });
    const direct = new OpenAI({ baseURL: own.openaiBaseUrl, apiKey: 'simulated', maxRetries: 0 });
    await expect(direct.chat.completions.create(chat('refuse'))).rejects.toMatchObject({ status: 503 });
    await expect(direct.chat.completions.create(chat('answer'))).resolves.toMatchObject({ object: 'chat.completion' });
    await own.stop();
  });
});

describe('what aimock leaves out of OpenAI’s forms', () => {
  it('is there: ids of responses, and every member of an error', async () => {
    const asked = { model: 'gpt-4o-mini', input: 'Hello' };
    const whole = await client.responses.create(asked);
    expect(whole.id).toMatch(/^resp_[\w-]{16}$/);
    const ids = new Set<string>();
    for await (const event of await client.responses.create({ ...asked, stream: true })) {
      if ('response' in event) ids.add(event.response.id);
    }
    expect([...ids]).toEqual([expect.stringMatching(/^resp_[\w-]{16}$/)]);
    const refused = await fetch(`${proxy.url}/v1/chat/completions`, { method: 'POST', body: '{"model": ' });
    expect(refused.status).toBe(400);
    expect(await refused.json()).toEqual({
      error: expect.objectContaining({ message: expect.any(String), type: 'invalid_request_error', param: null }),
    });
  });

  it('is said of images, too, that they are simulated', async () => {
    const image = await client.images.generate({ model: 'gpt-image-1', prompt: 'x' });
    const drawn = await client.images.generate({ model: 'gpt-image-1', prompt: 'x', stream: true });
    const events: unknown[] = [];
    for await (const event of drawn) events.push(event);
    for (const said of [image, ...events]) expect(said).toMatchObject({ simulated: true });
  });
});

describe('counting proxy', () => {
  it('counts requests and the tokens of both forms', async () => {
    const whole = await client.chat.completions.create(chat('One'));
    await collect(
      await client.chat.completions.create({ ...chat('One'), stream: true, stream_options: { include_usage: true } }),
    );
    expect(proxy.counts()).toEqual({
      requests: 2,
      completed: 2,
      failed: 0,
      byStatus: { 200: 2 },
      inputTokens: 2 * (whole.usage?.prompt_tokens ?? Number.NaN),
      outputTokens: 2 * (whole.usage?.completion_tokens ?? Number.NaN),
      withoutUsage: 0,
    });
  });

  it('counts a stream that told no usage as unknown', async () => {
    await collect(await client.chat.completions.create({ ...chat('One'), stream: true }));
    expect(proxy.counts()).toMatchObject({ completed: 1, outputTokens: 0, withoutUsage: 1 });
  });

  it('tells its counts over HTTP and begins anew', async () => {
    await client.models.list();
    expect(await (await fetch(`${proxy.url}/__counts`)).json()).toMatchObject({ requests: 1 });
    expect(await (await fetch(`${proxy.url}/__calls`)).json()).toMatchObject([
      { path: '/v1/models', end: 'completed' },
    ]);
    expect((await fetch(`${proxy.url}/__counts`, { method: 'DELETE' })).status).toBe(204);
    expect(proxy.counts().requests).toBe(0);
  });

  it('counts an upstream that dies in the middle of an answer, and one that is not there', async () => {
    const dying = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: {}\n\n', () => response.destroy());
    });
    await new Promise<void>((resolve) => dying.listen(0, '127.0.0.1', resolve));
    const { port } = dying.address() as AddressInfo;
    const before = await startCountingProxy({ upstream: `http://127.0.0.1:${port}` });
    const answer = await fetch(`${before.url}/v1/chat/completions`, { method: 'POST', body: '{}' });
    await expect(answer.text()).rejects.toThrow('terminated');
    await new Promise((resolve) => dying.close(resolve));
    expect((await fetch(`${before.url}/v1/models`)).status).toBe(502);
    expect(before.counts()).toMatchObject({ requests: 2, completed: 0, failed: 2, byStatus: { 200: 1, none: 1 } });
    await before.stop();
  });

  it('counts a client that leaves, and lets the upstream go', async () => {
    let upstreamClosed: (() => void) | undefined;
    const closed = new Promise<void>((resolve) => (upstreamClosed = resolve));
    const endless = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: {}\n\n');
      response.once('close', () => upstreamClosed?.());
    });
    await new Promise<void>((resolve) => endless.listen(0, '127.0.0.1', resolve));
    const { port } = endless.address() as AddressInfo;
    const before = await startCountingProxy({ upstream: `http://127.0.0.1:${port}` });
    const leaving = new AbortController();
    const answer = await fetch(`${before.url}/v1/chat/completions`, {
      method: 'POST',
      body: '{}',
      signal: leaving.signal,
    });
    expect(answer.status).toBe(200);
    leaving.abort();
    await closed;
    expect(before.calls()).toMatchObject([{ end: 'client left', status: 200 }]);
    await before.stop();
    await new Promise((resolve) => endless.close(resolve));
  });

  it('keeps a bounded number of calls and every count', async () => {
    const small = await startCountingProxy({ upstream: provider.url, keepCalls: 3 });
    for (let call = 0; call < 8; call += 1) await (await fetch(`${small.url}/v1/models`)).text();
    expect(small.calls()).toHaveLength(3);
    expect(small.counts().requests).toBe(8);
    await small.stop();
  });
});
