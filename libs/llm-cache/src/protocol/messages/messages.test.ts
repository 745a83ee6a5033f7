import { parseBody } from '@promptsales/cache-core';
import fc from 'fast-check';
import { SseSplitter } from '../../stream/sse-frames.js';
import { LlmError } from '../llm-error.js';
import type { WholeAnswer } from '../protocol.js';
import { MESSAGES } from './messages.js';

type Event = Readonly<Record<string, unknown>> & { readonly type: string };

const USAGE = {
  input_tokens: 12,
  cache_creation_input_tokens: 300,
  cache_read_input_tokens: 40,
  cache_creation: { ephemeral_5m_input_tokens: 100, ephemeral_1h_input_tokens: 200 },
  output_tokens: 1,
  service_tier: 'standard',
};
const MESSAGE = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude-sonnet-4-5-20250929',
  content: [],
  stop_reason: null,
  stop_sequence: null,
  usage: USAGE,
};

const start = (more: object = {}): Event => ({ type: 'message_start', message: { ...MESSAGE, ...more } });
const block = (index: number, content: object, ...deltas: object[]): Event[] => [
  { type: 'content_block_start', index, content_block: content },
  ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
  { type: 'content_block_stop', index },
];
const text = (index: number, ...pieces: string[]): Event[] =>
  block(index, { type: 'text', text: '' }, ...pieces.map((piece) => ({ type: 'text_delta', text: piece })));
const end = (reason: string | null = 'end_turn', usage: object = { output_tokens: 9 }, more: object = {}): Event => ({
  type: 'message_delta',
  delta: { stop_reason: reason, stop_sequence: null },
  usage,
  ...more,
});
const STOP: Event = { type: 'message_stop' };

const frameOf = (event: Event): string => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
const streamOf = (events: readonly Event[]): string => events.map(frameOf).join('');

function assembled(stream: string | Buffer, maxBytes?: number): WholeAnswer {
  const splitter = new SseSplitter(1e6);
  const assembler = MESSAGES.assembler(maxBytes ?? 1e6);
  for (const frame of splitter.push(Buffer.from(stream))) assembler.push(frame);
  const rest = splitter.finish();
  if (rest !== null) assembler.push(rest);
  return assembler.finish();
}

const jsonOf = ({ json }: WholeAnswer): unknown => (json === null ? null : JSON.parse(json.toString()));

const EVERYTHING = [
  start(),
  { type: 'ping' },
  ...block(
    0,
    { type: 'thinking', thinking: '', signature: '' },
    { type: 'thinking_delta', thinking: 'Let me ' },
    { type: 'thinking_delta', thinking: 'see.' },
    { type: 'signature_delta', signature: 'EqQBCgIYAhIM' },
  ),
  ...block(1, { type: 'redacted_thinking', data: 'EmwKAhgB' }),
  ...block(
    2,
    { type: 'text', text: '', citations: [] },
    { type: 'citations_delta', citation: { type: 'char_location', cited_text: 'a', document_index: 0 } },
    { type: 'text_delta', text: 'Hé' },
    { type: 'text_delta', text: 'llo 😀' },
    { type: 'citations_delta', citation: { type: 'page_location', cited_text: 'b', document_index: 1 } },
  ),
  ...block(
    3,
    { type: 'tool_use', id: 'toolu_1', name: 'get_weather', input: {} },
    { type: 'input_json_delta', partial_json: '' },
    { type: 'input_json_delta', partial_json: '{"city": "San' },
    { type: 'input_json_delta', partial_json: ' Francisco", "id": 12345678901234567890}' },
  ),
  ...block(
    4,
    { type: 'tool_use', id: 'toolu_2', name: 'now', input: {} },
    { type: 'input_json_delta', partial_json: '' },
  ),
  end('tool_use', { output_tokens: 89, cache_read_input_tokens: null }),
  STOP,
];

describe('a message put together from its stream', () => {
  it('trap 14: has thinking with its signature, citations, tools with their input by the letter, and the usage', () => {
    const { json, defect, jsonDiffers, complaint } = assembled(streamOf(EVERYTHING));
    expect({ defect, jsonDiffers, complaint }).toEqual({ defect: null, jsonDiffers: undefined, complaint: null });
    expect(json?.toString()).toContain('"input":{"city": "San Francisco", "id": 12345678901234567890}');
    expect(jsonOf(assembled(streamOf(EVERYTHING)))).toEqual({
      ...MESSAGE,
      content: [
        { type: 'thinking', thinking: 'Let me see.', signature: 'EqQBCgIYAhIM' },
        { type: 'redacted_thinking', data: 'EmwKAhgB' },
        {
          type: 'text',
          text: 'Héllo 😀',
          citations: [
            { type: 'char_location', cited_text: 'a', document_index: 0 },
            { type: 'page_location', cited_text: 'b', document_index: 1 },
          ],
        },
        {
          type: 'tool_use',
          id: 'toolu_1',
          name: 'get_weather',
          input: { city: 'San Francisco', id: Number('12345678901234567890') },
        },
        { type: 'tool_use', id: 'toolu_2', name: 'now', input: {} },
      ],
      stop_reason: 'tool_use',
      usage: { ...USAGE, output_tokens: 89 },
    });
  });

  it('bills what was read from the provider’s cache and written to it apart from the rest', () => {
    expect(assembled(streamOf(EVERYTHING)).facts).toEqual({
      model: 'claude-sonnet-4-5-20250929',
      responseId: 'msg_1',
      serviceTier: 'standard',
      usage: expect.objectContaining({
        inputTokens: 352,
        cachedInputTokens: 40,
        cacheWrite5mTokens: 100,
        cacheWrite1hTokens: 200,
        outputTokens: 89,
      }),
    });
  });

  it('is the same wherever the network cuts the stream', () => {
    const whole = Buffer.from(`\ufeff${streamOf(EVERYTHING)}`);
    const expected = assembled(whole).json?.toString();
    for (let at = 1; at < whole.length; at += 1) {
      const splitter = new SseSplitter(1e6);
      const assembler = MESSAGES.assembler(1e6);
      for (const piece of [whole.subarray(0, at), whole.subarray(at)]) {
        for (const frame of splitter.push(piece)) assembler.push(frame);
      }
      expect(assembler.finish().json?.toString()).toBe(expected);
    }
  });

  it.each([
    ['CRLF', (stream: string) => stream.replaceAll('\n', '\r\n')],
    ['CR', (stream: string) => stream.replaceAll('\n', '\r')],
    ['a BOM', (stream: string) => `\ufeff${stream}`],
    ['comments', (stream: string) => stream.replaceAll('event: ', ': keep-alive\nevent: ')],
    ['frames of comments', (stream: string) => `: hello\n\n${stream.replaceAll('\n\n', '\n\n: ping\n\n')}`],
    ['events without data', (stream: string) => stream.replaceAll('event: ping\n', 'event: ping\n\nevent: ping\n')],
    ['no space after the colon', (stream: string) => stream.replaceAll('data: ', 'data:')],
    ['no names of events', (stream: string) => stream.replaceAll(/event: .*\n/g, '')],
    ['ids and retries', (stream: string) => stream.replaceAll('event: ', 'id: 7\nretry: 10\nevent: ')],
    ['no blank line at its end', (stream: string) => stream.trimEnd()],
  ])('reads a stream with %s', (_what, changed) => {
    expect(assembled(changed(streamOf(EVERYTHING)))).toEqual(assembled(streamOf(EVERYTHING)));
  });

  it.each([
    ['max_tokens', 'finish_length'],
    ['model_context_window_exceeded', 'finish_length'],
    ['refusal', 'finish_content_filter'],
    ['pause_turn', 'finish_abnormal'],
    ['something new', 'finish_abnormal'],
    [null, 'unfinished_choice'],
    ['end_turn', null],
    ['stop_sequence', null],
    ['tool_use', null],
  ])('trap 15: that ended with %s is kept or not: %s', (reason, defect) => {
    const whole = assembled(streamOf([start(), ...text(0, 'Hi'), end(reason), STOP]));
    expect(whole.defect).toBe(defect);
    expect(whole.json).not.toBeNull();
  });

  it('trap 15: that has no message_stop is read by who waits for it, and not kept; half a message is not even read', () => {
    expect(assembled(streamOf([start(), ...text(0, 'Hi'), end()]))).toMatchObject({ defect: 'no_terminal_event' });
    expect(jsonOf(assembled(streamOf([start(), ...text(0, 'Hi'), end()])))).toMatchObject({ stop_reason: 'end_turn' });
    expect(assembled(streamOf([start(), ...text(0, 'Hi')]))).toMatchObject({ defect: 'no_terminal_event', json: null });
  });

  it('trap 15: in which the provider gave up is not kept', () => {
    const error = { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } };
    for (const events of [[error], [start(), error], [start(), ...text(0, 'Hi'), error, end(), STOP]]) {
      expect(assembled(streamOf(events))).toMatchObject({
        json: null,
        defect: 'in_band_error',
        complaint: 'Overloaded',
      });
    }
    const untyped = 'event: error\ndata: {"error":{"message":"no"}}\n\n';
    expect(assembled(untyped)).toMatchObject({ defect: 'in_band_error', complaint: 'no' });
    expect(assembled('data: {"error":"no"}\n\n')).toMatchObject({ defect: 'in_band_error', complaint: 'no' });
  });

  it('trap 15: that used tools of the provider is not kept', () => {
    const blocks = [
      'server_tool_use',
      'web_search_tool_result',
      'mcp_tool_use',
      'code_execution_tool_result',
      'new_one',
    ];
    for (const type of blocks) {
      const events = [start(), ...block(0, { type, content: [] }), ...text(1, 'Hi'), end(), STOP];
      expect(assembled(streamOf(events)).defect).toBe('server_tool');
    }
    const counted = { output_tokens: 1, server_tool_use: { web_search_requests: 1 } };
    expect(assembled(streamOf([start(), ...text(0, 'Hi'), end('end_turn', counted), STOP])).defect).toBe('server_tool');
    const unused = { output_tokens: 1, server_tool_use: { web_search_requests: 0 } };
    expect(assembled(streamOf([start(), ...text(0, 'Hi'), end('end_turn', unused), STOP])).defect).toBeNull();
  });

  it('is not vouched for where kinds of events or deltas are not known, or input is no JSON', () => {
    const odd: Event[][] = [
      [start(), ...text(0, 'Hi'), { type: 'something_new' }, end(), STOP],
      [start(), ...block(0, { type: 'text', text: 'H' }, { type: 'new_delta', text: 'i' }), end(), STOP],
      [start(), ...text(0, 'Hi').slice(0, -1), end(), STOP],
      [
        start(),
        ...text(0, 'Hi'),
        ...block(
          1,
          { type: 'tool_use', id: 't', name: 'n', input: {} },
          { type: 'input_json_delta', partial_json: '{"a' },
        ),
        end('tool_use'),
        STOP,
      ],
    ];
    for (const events of odd) {
      const whole = assembled(streamOf(events));
      expect(whole).toMatchObject({ jsonDiffers: true, defect: null });
      expect(jsonOf(whole)).toMatchObject({ content: expect.arrayContaining([{ type: 'text', text: 'Hi' }]) });
    }
  });

  it('is unreadable where its events make no sense', () => {
    const senseless: string[] = [
      'data: no json\n\n',
      'data: [1]\n\n',
      streamOf([STOP]),
      streamOf([end(), STOP]),
      streamOf([start(), start(), end(), STOP]),
      streamOf([
        start(),
        { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'x' } },
        end(),
        STOP,
      ]),
      streamOf([start(), ...text(0, 'a'), ...text(0, 'b'), end(), STOP]),
      streamOf([start(), ...block(0, { type: 'text', text: '' }, { type: 'text_delta', text: 1 }), end(), STOP]),
      streamOf([{ type: 'message_start', message: null }, end(), STOP]),
    ];
    for (const stream of senseless) expect(assembled(stream)).toMatchObject({ json: null, defect: 'unreadable' });
  });

  it('is given up beyond its bound, and still billed', () => {
    const long = [start(), ...text(0, ...Array.from({ length: 100 }, () => 'x'.repeat(100))), end(), STOP];
    const whole = assembled(streamOf(long), 5000);
    expect(whole).toMatchObject({ json: null, defect: 'too_large' });
    expect(whole.facts).toMatchObject({ responseId: 'msg_1', usage: { outputTokens: 9 } });
    expect(assembled(streamOf(long), 50_000).defect).toBeNull();
    const members = Array.from({ length: 500 }, (_, at) =>
      end('end_turn', { output_tokens: 9 }, { [`member${at}`]: at }),
    );
    expect(assembled(streamOf([start(), ...members, STOP]), 5000)).toMatchObject({ json: null, defect: 'too_large' });
    // Escaped it is six times as long.
    const escaped = [start(), ...text(0, '\u0001'.repeat(4000)), end(), STOP];
    expect(assembled(streamOf(escaped), 5000)).toMatchObject({ json: null, defect: 'too_large' });
  });

  it('takes what stands beside its content at the end, and members of any name', () => {
    const events = [
      start(),
      ...block(0, JSON.parse('{"type":"text","text":"","__proto__":{"a":1}}') as object, {
        type: 'text_delta',
        text: 'Hi',
      }),
      end('end_turn', { output_tokens: 9 }, { context_management: { applied_edits: [] } }),
      STOP,
    ];
    const { json } = assembled(streamOf(events));
    expect(json?.toString()).toContain('"__proto__":{"a":1}');
    expect(JSON.parse(json?.toString() ?? '')).toMatchObject({ context_management: { applied_edits: [] } });
  });
});

describe('a stream made from a message', () => {
  const message = (content: unknown[], more: object = {}): object => ({
    ...MESSAGE,
    content,
    stop_reason: 'end_turn',
    usage: { ...USAGE, output_tokens: 89 },
    ...more,
  });
  const synthesised = (of: unknown): string | null => {
    const frames = MESSAGES.synthesise(Buffer.from(JSON.stringify(of)));
    return frames === null ? null : frames.map(({ raw }) => raw.toString()).join('');
  };

  it('trap 14: gives the message back, whatever is in it', () => {
    const string = fc.string({ unit: 'binary', maxLength: 60 });
    const citation = fc.record({ type: fc.constant('char_location'), cited_text: string });
    const content = fc.oneof(
      fc.record({ type: fc.constant('text'), text: string }),
      fc.record({ type: fc.constant('text'), text: string, citations: fc.array(citation, { maxLength: 3 }) }),
      fc.record({ type: fc.constant('thinking'), thinking: string, signature: string }),
      fc.record({ type: fc.constant('redacted_thinking'), data: string }),
      fc.record({
        type: fc.constant('tool_use'),
        id: string,
        name: string,
        input: fc.dictionary(fc.string({ maxLength: 5 }), fc.jsonValue({ maxDepth: 2 })),
      }),
    );
    fc.assert(
      fc.property(fc.array(content, { maxLength: 5 }), (blocks) => {
        const of = JSON.parse(JSON.stringify(message(blocks))) as object;
        // Numbers and texts that readers disagree about are another test's.
        fc.pre(parseBody(Buffer.from(JSON.stringify(of))).faithful);
        const stream = synthesised(of);
        if (stream === null) throw new Error('it was not synthesised');
        const whole = assembled(stream);
        expect(jsonOf(whole)).toEqual(of);
        expect([whole.defect, whole.jsonDiffers]).toEqual([null, undefined]);
        // Put together again it makes the same stream.
        expect(synthesised(jsonOf(whole))).toBe(stream);
      }),
    );
  });

  it('streams text and input in pieces, and ends as streams do', () => {
    const stream = synthesised(message([{ type: 'text', text: 'one two three' }])) ?? '';
    expect(stream.match(/text_delta/g)).toHaveLength(3);
    expect(stream.startsWith('event: message_start\n')).toBe(true);
    expect(stream.endsWith('event: message_stop\ndata: {"type":"message_stop"}\n\n')).toBe(true);
  });

  it('is not made of what is no message, or what readers would round', () => {
    for (const none of [
      null,
      [],
      'x',
      {},
      { type: 'error', error: {} },
      message([1]),
      message([{ type: 'text', text: 1 }], { content: 1 }),
    ]) {
      expect(synthesised(none)).toBeNull();
    }
    const rounded = JSON.stringify(message([{ type: 'tool_use', id: 't', name: 'n', input: { id: 1 } }]));
    expect(MESSAGES.synthesise(Buffer.from(rounded.replace('{"id":1}', '{"id":12345678901234567890}')))).toBeNull();
    expect(MESSAGES.synthesise(Buffer.from('{'))).toBeNull();
  });
});

describe('a message that came as JSON', () => {
  const read = (of: unknown): WholeAnswer | null => MESSAGES.readWhole(Buffer.from(JSON.stringify(of)));

  it('is judged like one that was streamed', () => {
    const of = { ...MESSAGE, content: [{ type: 'text', text: 'Hi' }], stop_reason: 'end_turn' };
    expect(read(of)).toMatchObject({ defect: null, facts: { responseId: 'msg_1' } });
    expect(read({ ...of, stop_reason: 'max_tokens' })).toMatchObject({ defect: 'finish_length' });
    expect(read({ ...of, content: [{ type: 'server_tool_use' }] })).toMatchObject({ defect: 'server_tool' });
    expect(read({ type: 'error', error: { type: 'api_error', message: 'no' } })).toMatchObject({
      defect: 'in_band_error',
    });
    for (const none of [[], {}, { content: 'x' }, 'x']) expect(read(none)).toBeNull();
    expect(MESSAGES.readWhole(Buffer.from([0xff]))).toBeNull();
  });
});

describe('a request for a message', () => {
  const ASKED = { model: 'm', max_tokens: 9, messages: [{ role: 'user', content: 'Hi' }] };

  it('is read for what concerns us, and no more', () => {
    const read = (more: object): unknown => MESSAGES.readRequest({ ...ASKED, ...more });
    expect(read({})).toEqual({ model: 'm', stream: false, usageAsked: true, serverTools: false, stateful: false });
    expect(read({ stream: true, max_tokens: 'x', unheard_of: 1 })).toMatchObject({ stream: true });
    expect(read({ stream: null })).toMatchObject({ stream: false });
  });

  it('trap 15: that lets the provider use tools of its own is told apart from one with tools of the client', () => {
    const tools = (...types: (string | undefined)[]): boolean =>
      MESSAGES.readRequest({ ...ASKED, tools: types.map((type) => (type === undefined ? { name: 'n' } : { type })) })
        .serverTools;
    const own = [
      undefined,
      'custom',
      'bash_20250124',
      'text_editor_20250728',
      'computer_toolset_20260801',
      'browser_toolset_20260801',
      'memory_20250818',
    ];
    expect(tools(...own)).toBe(false);
    for (const type of [
      'web_search_20250305',
      'web_fetch_20250910',
      'code_execution_20250825',
      'mcp_toolset',
      'custom_2',
    ]) {
      expect([type, tools(undefined, type)]).toEqual([type, true]);
    }
    const asks = (more: object): boolean => MESSAGES.readRequest({ ...ASKED, ...more }).serverTools;
    expect(asks({ mcp_servers: [{ type: 'url', url: 'https://x' }] })).toBe(true);
    expect(asks({ mcp_servers: [] })).toBe(false);
    expect(asks({ container: 'container_1' })).toBe(true);
  });

  it('trap 15: that goes on in a thread of the provider’s is never answered from the cache', () => {
    expect(MESSAGES.readRequest({ ...ASKED, thread: { type: 'create' } })).toMatchObject({ stateful: true });
    expect(MESSAGES.readRequest({ ...ASKED, thread: null })).toMatchObject({ stateful: false });
  });

  it.each([
    [null, 'invalid_type'],
    [[], 'invalid_type'],
    [{}, 'missing_required_parameter'],
    [{ ...ASKED, model: 1 }, 'invalid_type'],
    [{ ...ASKED, model: '' }, 'invalid_value'],
    [{ ...ASKED, messages: undefined }, 'missing_required_parameter'],
    [{ ...ASKED, messages: 'x' }, 'invalid_type'],
    [{ ...ASKED, messages: [] }, 'empty_array'],
    [{ ...ASKED, messages: [1] }, 'invalid_type'],
    [{ ...ASKED, messages: [{}] }, 'missing_required_parameter'],
    [{ ...ASKED, messages: [{ role: 1 }] }, 'invalid_type'],
    [{ ...ASKED, stream: 'yes' }, 'invalid_type'],
  ])('is refused as %j', (body, code) => {
    let refusal: unknown;
    try {
      MESSAGES.readRequest(body);
    } catch (error) {
      refusal = error;
    }
    expect(refusal).toBeInstanceOf(LlmError);
    expect((refusal as LlmError).code).toBe(code);
    const told = JSON.parse(MESSAGES.errorBody(refusal as LlmError).toString()) as object;
    expect(told).toEqual({
      type: 'error',
      error: { type: 'invalid_request_error', message: (refusal as LlmError).message, code },
    });
  });

  it('is sent as it is, but for the form', () => {
    const body = { ...ASKED, stream: false, unheard_of: { a: [1] } };
    expect(JSON.parse(MESSAGES.streamedRequest?.(body).toString() ?? '')).toEqual({ ...body, stream: true });
  });
});
