/** Streams that end in good order in the middle of an event: nothing of it may run into what the gateway says itself. */
import { cacheHeaders, GatewayStage } from './gateway-stage.js';
import { question } from './questions.js';
import { DONE, ROLE, say, STOP, USAGE_CHUNK, withoutUsage } from './stream-provider.js';

const stage = GatewayStage.forAll();

const TOLD = { error: { type: 'server_error', code: 'upstream_died' } };

/** What the last event says. */
function lastOf(text: string): unknown {
  const last = text.split(/\n{2,}/).at(-2) ?? '';
  expect(last.startsWith('data: ')).toBe(true);
  return JSON.parse(last.slice('data: '.length));
}

describe('trap 21: a stream that ends in the middle of an event', () => {
  it.each([
    ['its data', say('lost').slice(0, 20)],
    ['its name', 'event: mess'],
    ['a field', 'da'],
    ['a comment', ': pi'],
  ])('%s: what was whole, then an error that SDKs read', async (_, part) => {
    const body = question({ stream: true });
    const response = await stage.answered(body, {}, ROLE + say('half') + part);
    const text = await response.text();
    const whole = withoutUsage(ROLE + say('half'));
    expect(text.slice(0, whole.length)).toBe(whole);
    expect(text.slice(whole.length).startsWith('data: {"error":')).toBe(true);
    expect(lastOf(text)).toMatchObject(TOLD);

    const { gateway, provider } = stage;
    const reading = gateway.openai.chat.completions.create({ ...question(), stream: true } as never);
    (await provider.next()).end(ROLE, say('half'), part);
    const read = (async () => {
      for await (const piece of (await reading) as unknown as AsyncIterable<unknown>) void piece;
    })();
    await expect(read).rejects.toThrow('broke off before its end');
  });

  it.each([
    ['all of it', ''],
    ['the line', '\n'],
  ])('before it has ended %s: the event is whole, and the error behind it one of its own', async (_, lineEnd) => {
    const unended = say('half').trimEnd() + lineEnd;
    const response = await stage.answered(question({ stream: true }), {}, ROLE + unended);
    const text = await response.text();
    expect(text.startsWith(withoutUsage(ROLE + unended))).toBe(true);
    expect(text.split(/\n{2,}/)).toHaveLength(4);
    expect(lastOf(text)).toMatchObject(TOLD);
  });

  it('is an answer that broke off to one who wants JSON', async () => {
    const response = await stage.answered(question(), {}, ROLE + say('half').slice(0, 30));
    expect(response.status).toBe(502);
    expect(await response.json()).toMatchObject(TOLD);
  });

  it('is whole where nothing but the last blank line is missing, and is stored as it came', async () => {
    const body = question({ stream: true, stream_options: { include_usage: true } });
    const unended = ROLE + say('x') + STOP + USAGE_CHUNK + DONE.trimEnd();
    const first = await stage.answered(body, {}, unended);
    expect(await first.text()).toBe(unended);
    const again = await stage.gateway.post(body);
    expect([cacheHeaders(again)[0], await again.text()]).toEqual(['HIT', unended]);
  });
});

it('JSON behind a byte order mark is read, passed on and stored without it', async () => {
  const body = question();
  const answer = {
    id: 'c1',
    object: 'chat.completion',
    choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }],
  };
  const pending = stage.gateway.post(body);
  const { response } = await stage.provider.next();
  response.writeHead(200, { 'content-type': 'application/json' }).end(`\ufeff${JSON.stringify(answer)}`);
  const first = await pending;
  expect([first.status, Buffer.from(await first.arrayBuffer()).toString()]).toEqual([200, JSON.stringify(answer)]);
  const again = await stage.gateway.post(body);
  expect([cacheHeaders(again)[0], await again.json()]).toEqual(['HIT', answer]);
});

it('a refusal behind a byte order mark keeps its words', async () => {
  const pending = stage.gateway.post(question());
  const { response } = await stage.provider.next();
  const said = { error: { message: 'their words', type: 'x', param: null, code: 'theirs' } };
  response.writeHead(429, { 'content-type': 'application/json' }).end(`\ufeff${JSON.stringify(said)}`);
  const refused = await pending;
  expect([refused.status, await refused.json()]).toEqual([429, said]);
});
