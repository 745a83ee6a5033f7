import {
  assembled,
  block,
  end,
  jsonOf,
  MESSAGE,
  start,
  STOP,
  streamOf,
  text,
  USAGE,
  type Event,
} from '../../../test/messages/message-events.js';
import { SseSplitter } from '../../stream/sse-frames.js';
import { MESSAGES } from './messages.js';

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

  it('trap 20: that broke off has put out nobody knows how much: what its start counts is not booked', () => {
    const error = { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } };
    for (const events of [[start()], [start(), ...text(0, 'Hi')], [start(), ...text(0, 'Hi'), error]]) {
      expect(assembled(streamOf(events)).facts.usage).toMatchObject({ inputTokens: 352, outputTokens: null });
    }
    const told = [start(), ...text(0, 'Hi'), end('end_turn', { output_tokens: 9 })];
    expect(assembled(streamOf(told)).facts.usage).toMatchObject({ inputTokens: 352, outputTokens: 9 });
    expect(assembled(streamOf([...told, error])).facts.usage).toMatchObject({ outputTokens: 9 });
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

  it('trap 14: that begins with what was there before it is read, and goes on behind it', () => {
    const begun = [
      { type: 'code_execution_tool_result', tool_use_id: 'srvtoolu_1', content: { stdout: 'one\n' } },
      { type: 'tool_use', id: 'toolu_1', name: 'look', input: { id: 'c1' } },
    ];
    const alone = assembled(streamOf([start({ content: begun, stop_reason: 'tool_use' }), STOP]));
    expect(jsonOf(alone)).toMatchObject({ content: begun, stop_reason: 'tool_use' });
    expect(alone).toMatchObject({ defect: 'server_tool', jsonDiffers: true });
    const more = assembled(streamOf([start({ content: begun }), ...text(2, 'Hi'), end(), STOP]));
    expect(jsonOf(more)).toMatchObject({ content: [...begun, { type: 'text', text: 'Hi' }] });
    const unreadable = [
      streamOf([start({ content: begun }), ...text(1, 'Hi'), end(), STOP]),
      streamOf([start({ content: ['Hi'] }), end(), STOP]),
    ];
    for (const stream of unreadable) expect(assembled(stream)).toMatchObject({ json: null, defect: 'unreadable' });
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
