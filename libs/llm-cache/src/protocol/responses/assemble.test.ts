import { SseSplitter } from '../../stream/sse-frames.js';
import { ResponseAssembler } from './assemble.js';

const MESSAGE = {
  type: 'message',
  id: 'msg_1',
  status: 'completed',
  role: 'assistant',
  content: [{ type: 'output_text', text: 'Hello you', annotations: [], logprobs: [] }],
};
const USAGE = {
  input_tokens: 3,
  input_tokens_details: { cached_tokens: 2 },
  output_tokens: 4,
  output_tokens_details: { reasoning_tokens: 1 },
  total_tokens: 7,
};
const RESPONSE = {
  id: 'resp_1',
  object: 'response',
  created_at: 1,
  status: 'completed',
  error: null,
  incomplete_details: null,
  model: 'gpt-5-2025-08-07',
  output: [MESSAGE],
  service_tier: 'default',
  usage: USAGE,
  vendor: { deep: [1] },
};

function event(type: string, more: object = {}): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: 0, ...more })}\n\n`;
}

const CREATED = event('response.created', { response: { ...RESPONSE, status: 'in_progress', output: [] } });
const DELTA = event('response.output_text.delta', {
  item_id: 'msg_1',
  output_index: 0,
  content_index: 0,
  delta: 'Hel',
});
const ITEM = event('response.output_item.done', { output_index: 0, item: MESSAGE });

function completed(more: object = {}): string {
  return event('response.completed', { response: { ...RESPONSE, ...more } });
}

function read(...frames: string[]) {
  const assembler = new ResponseAssembler();
  const terminals = frames.map((frame) => assembler.push(Buffer.from(frame)).terminal);
  const whole = assembler.finish();
  return { ...whole, terminals, response: whole.json === null ? null : (JSON.parse(String(whole.json)) as unknown) };
}

describe('reading the stream of a response', () => {
  it('takes the response from its last event, as it stands there', () => {
    const { response, terminals, defect, facts, jsonDiffers } = read(CREATED, DELTA, ITEM, completed());
    expect(response).toEqual(RESPONSE);
    expect(terminals).toEqual([false, false, false, true]);
    expect([defect, jsonDiffers]).toEqual([null, false]);
    expect(facts).toEqual({
      model: 'gpt-5-2025-08-07',
      responseId: 'resp_1',
      serviceTier: 'default',
      usage: expect.objectContaining({ inputTokens: 3, cachedInputTokens: 2, outputTokens: 4, reasoningTokens: 1 }),
    });
  });

  it('gives it byte for byte: spacing, escapes, and numbers that a parser would round', () => {
    const text =
      '{"id" : "resp_1","status":"completed","output":[ ],"cost":9007199254740993,"more":1.50,"text":"\\u00e9\\/"}';
    const last = `event: response.completed\ndata: {"type":"response.completed", "response": ${text} ,"sequence_number":9}\n\n`;
    expect(String(read(CREATED, last).json)).toBe(text);
    // Where it cannot be cut out, it says the same all the same.
    const twice = last.replace(
      '"sequence_number"',
      '"response":{"id":"resp_2","status":"completed","output":[]},"sequence_number"',
    );
    expect(read(CREATED, twice).response).toEqual({ id: 'resp_2', status: 'completed', output: [] });
    const lines = last.replace(' ,"sequence_number"', '\ndata: ,"sequence_number"');
    expect(read(CREATED, lines).response).toMatchObject({ id: 'resp_1', more: 1.5 });
  });

  it.each([
    ['no output', { output: undefined }],
    ['an output of null', { output: null }],
    ['an empty output', { output: [] }],
  ])('takes the items from the events before where the last one has %s', (_name, more) => {
    const { response, defect, jsonDiffers } = read(CREATED, ITEM, completed(more));
    expect(response).toMatchObject({ output: [MESSAGE] });
    expect([defect, jsonDiffers]).toEqual([null, false]);
  });

  it('trap 14: takes reasoning that was sealed anew for its last event for the same', () => {
    const sealed = (seal: unknown, id = 'rs_1') => ({ id, type: 'reasoning', encrypted_content: seal, summary: [] });
    const items = [sealed('gAAA1'), MESSAGE].map((item, index) =>
      event('response.output_item.done', { output_index: index, item }),
    );
    const anew = read(CREATED, ...items, completed({ output: [sealed('gAAA2'), MESSAGE] }));
    expect(anew).toMatchObject({ defect: null, jsonDiffers: false });
    expect(anew.response).toMatchObject({ output: [{ encrypted_content: 'gAAA2' }, MESSAGE] });
    for (const other of [sealed(null), sealed(''), sealed('gAAA2', 'rs_2')]) {
      expect(read(CREATED, ...items, completed({ output: [other, MESSAGE] })).jsonDiffers).toBe(true);
    }
  });

  it('says when the last event contradicts the items: then the two forms are not one answer', () => {
    const other = { ...MESSAGE, id: 'msg_2' };
    expect(read(CREATED, ITEM, completed({ output: [other] }))).toMatchObject({ jsonDiffers: true, defect: null });
  });

  it.each([
    ['failed', { status: 'failed', error: { code: 'server_error', message: 'It broke.' } }, 'in_band_error'],
    ['incomplete', { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } }, 'finish_length'],
    ['incomplete', { status: 'incomplete', incomplete_details: { reason: 'content_filter' } }, 'finish_content_filter'],
    ['incomplete', { status: 'incomplete', incomplete_details: { reason: 'new' } }, 'finish_abnormal'],
    ['completed', { status: 'incomplete' }, 'finish_length'],
    ['cancelled', { status: 'cancelled' }, 'unfinished_choice'],
    ['completed', { output: [MESSAGE, { type: 'web_search_call', id: 'ws_1', status: 'completed' }] }, 'server_tool'],
    [
      'completed',
      { output: [{ ...MESSAGE, content: [{ ...MESSAGE.content[0], annotations: [{ type: 'url_citation' }] }] }] },
      'server_tool',
    ],
    ['completed', { output: [{ ...MESSAGE, status: 'incomplete' }] }, 'unfinished_choice'],
    ['completed', { output: ['text'] }, 'unreadable'],
  ])('trap 15: a response that is %s is handed on whole and is not one to keep: %#', (end, more, defect) => {
    const { response, ...whole } = read(CREATED, event(`response.${end}`, { response: { ...RESPONSE, ...more } }));
    expect(response).toEqual({ ...RESPONSE, ...more });
    expect(whole.defect).toBe(defect);
    expect(whole.terminals.at(-1)).toBe(true);
  });

  it.each([
    ['an error event', event('error', { code: 'server_error', message: 'It broke.' })],
    ['an error event in the shape that is sent', event('error', { error: { message: 'It broke.' } })],
    ['an error without a type', 'data: {"error":{"message":"It broke."}}\n\n'],
  ])('trap 15: %s is an error inside the stream', (_name, error) => {
    expect(read(CREATED, DELTA, error)).toMatchObject({ json: null, defect: 'in_band_error', complaint: 'It broke.' });
    expect(read(CREATED, error, completed())).toMatchObject({ defect: 'in_band_error' });
  });

  it('trap 15: is no whole answer without its last event', () => {
    expect(read(CREATED, DELTA, ITEM)).toMatchObject({ json: null, defect: 'no_terminal_event' });
    expect(read(CREATED, 'data: [DONE]\n\n')).toMatchObject({ json: null, defect: 'no_terminal_event' });
  });

  it('passes over comments, events without data, a BOM and names that it has never heard of', () => {
    const odd = [': ping\n\n', 'event: ping\n\n', 'id: 7\n\n', event('response.vendor.thing', { x: 1 })];
    expect(read(`\uFEFF${CREATED}`, ...odd, ITEM, completed())).toMatchObject({ defect: null, jsonDiffers: false });
    expect(read('data: nonsense\n\n', completed())).toMatchObject({ defect: 'unreadable' });
  });

  it('reads types from the data where no event is named', () => {
    const unnamed = [CREATED, DELTA, ITEM, completed()].map((frame) => frame.replace(/^event: .*\n/, ''));
    expect(read(...unnamed)).toMatchObject({ response: RESPONSE, defect: null });
  });

  it.each(['\n', '\r\n', '\r'])('reads the same wherever the network cuts it, with lines that end in %j', (end) => {
    const stream = Buffer.from(
      `\uFEFF: hello\n\n${CREATED}${DELTA}event: ping\n\n${ITEM}${completed()}`.replaceAll('\n', end),
    );
    for (let cut = 1; cut < stream.length; cut += 1) {
      const splitter = new SseSplitter(1 << 20);
      const assembler = new ResponseAssembler();
      const frames = [...splitter.push(stream.subarray(0, cut)), ...splitter.push(stream.subarray(cut))];
      const rest = splitter.finish();
      for (const frame of rest === null ? frames : [...frames, rest]) assembler.push(frame);
      expect(Buffer.concat(rest === null ? frames : [...frames, rest]).equals(stream)).toBe(true);
      const whole = assembler.finish();
      expect([JSON.parse(String(whole.json)), whole.defect]).toEqual([RESPONSE, null]);
    }
  });

  it('holds no more than its bound, and says so', () => {
    const assembler = new ResponseAssembler(1000);
    for (let index = 0; index < 20; index += 1) {
      assembler.push(Buffer.from(event('response.output_item.done', { output_index: index, item: MESSAGE })));
    }
    expect(assembler.outgrown).toBe(true);
    assembler.push(Buffer.from(completed()));
    expect(assembler.finish()).toMatchObject({ json: null, defect: 'too_large', facts: { usage: { inputTokens: 3 } } });
  });
});
