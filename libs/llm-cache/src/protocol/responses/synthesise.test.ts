import fc from 'fast-check';
import { readFrame } from '../../stream/sse-frames.js';
import { readPieces } from './read-pieces.js';
import { RESPONSES } from './responses.js';

const text = (content: string, more: object = {}) => ({ type: 'output_text', text: content, annotations: [], ...more });
const message = (content: object[]) => ({
  type: 'message',
  id: 'msg_1',
  status: 'completed',
  role: 'assistant',
  content,
});
const response = (output: unknown, more: object = {}) => ({
  id: 'resp_1',
  object: 'response',
  created_at: 1,
  status: 'completed',
  error: null,
  model: 'gpt-5',
  output,
  usage: { input_tokens: 1, output_tokens: 2, total_tokens: 3 },
  ...more,
});

const frames = (answer: object) => RESPONSES.synthesise(Buffer.from(JSON.stringify(answer)));
const eventsOf = (answer: object) =>
  (frames(answer) ?? []).map(({ raw }) => JSON.parse(readFrame(raw).data ?? '') as Record<string, unknown>);

describe('streaming a response that came as JSON', () => {
  it('tells it in the events in which OpenAI does', () => {
    const call = {
      type: 'function_call',
      id: 'fc_1',
      call_id: 'c',
      name: 'f',
      arguments: '{"a": 1}',
      status: 'completed',
    };
    const events = eventsOf(response([message([text('Hello you')]), call]));
    expect(events.map(({ type }) => type)).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.content_part.added',
      'response.output_text.delta',
      'response.output_text.delta',
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.output_item.added',
      'response.function_call_arguments.delta',
      'response.function_call_arguments.delta',
      'response.function_call_arguments.done',
      'response.output_item.done',
      'response.completed',
    ]);
    expect(events.map((event) => event['sequence_number'])).toEqual(events.map((_, at) => at));
    expect(events[4]).toMatchObject({ item_id: 'msg_1', output_index: 0, content_index: 0, delta: 'Hello' });
    expect(events[12]).toMatchObject({ item_id: 'fc_1', output_index: 1, arguments: '{"a": 1}', name: 'f' });
  });

  it.each(['failed', 'incomplete'])('ends as a response that is %s does', (status) => {
    expect(eventsOf(response([], { status })).at(-1)).toMatchObject({
      type: `response.${status}`,
      response: { status },
    });
  });

  it.each([
    ['no output', response(undefined)],
    ['an output that is no list of items', response(['x'])],
    ['no status', response([], { status: undefined })],
    ['a run that goes on', response([], { status: 'queued' })],
  ])('does not where there is %s', (_name, answer) => {
    expect(frames(answer)).toBeNull();
  });

  it('does not where the pieces would not give it back', () => {
    expect(frames(response([{ type: 'message', id: 'm', content: 'not a list' }]))).toBeNull();
  });

  const annotation = fc.record({ type: fc.constant('url_citation'), url: fc.string() });
  const part = fc.oneof(
    fc.record({
      type: fc.constant('output_text'),
      text: fc.string({ unit: 'binary' }),
      annotations: fc.array(annotation),
    }),
    fc.record({ type: fc.constant('refusal'), refusal: fc.string() }),
  );
  const item = fc.oneof(
    fc.record({
      type: fc.constant('message'),
      id: fc.string(),
      status: fc.constant('completed'),
      content: fc.array(part),
    }),
    fc.record({
      type: fc.constant('reasoning'),
      id: fc.string(),
      summary: fc.array(fc.record({ type: fc.constant('summary_text'), text: fc.string() })),
      content: fc.array(fc.record({ type: fc.constant('reasoning_text'), text: fc.string() })),
      encrypted_content: fc.string(),
    }),
    fc.record({ type: fc.constant('function_call'), id: fc.string(), name: fc.string(), arguments: fc.string() }),
    fc.record({ type: fc.constant('custom_tool_call'), id: fc.string(), input: fc.string() }),
    fc.record({ type: fc.string(), id: fc.string(), vendor: fc.jsonValue() }),
  );

  it('trap 14: of whatever response: either nothing, or what gives it back to both kinds of reader', () => {
    let streamed = 0;
    fc.assert(
      fc.property(fc.array(item, { maxLength: 4 }), fc.dictionary(fc.string(), fc.jsonValue()), (output, more) => {
        const answer = JSON.parse(JSON.stringify(response(output, more))) as ReturnType<typeof response>;
        const told = frames(answer);
        if (told === null) return;
        streamed += 1;
        const assembler = RESPONSES.assembler(1 << 24);
        for (const { raw } of told) assembler.push(raw);
        const read = assembler.finish();
        expect(JSON.parse(String(read.json))).toEqual(answer);
        const pieces = readPieces(told.map(({ raw }) => raw)) ?? [];
        expect(pieces.map((one, at) => ({ ...one, ...pick(answer, at) }))).toEqual(answer.output);
      }),
      { numRuns: 300 },
    );
    expect(streamed).toBeGreaterThan(200);
  });
});

function pick(answer: { readonly output: unknown }, at: number): object {
  const { status } = (answer.output as { status?: string }[])[at] ?? {};
  return status === undefined ? {} : { status };
}
