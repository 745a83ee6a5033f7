import * as fc from 'fast-check';
import { encodeRecording, Recording } from '../../stream/recording.js';
import { ChatAssembler } from './assemble.js';
import { synthesiseChat } from './synthesise.js';

function readBack(frames: readonly { raw: Buffer }[]): unknown {
  const assembler = new ChatAssembler();
  for (const { raw } of frames) assembler.push(raw);
  return JSON.parse(String(assembler.finish().json));
}

const text = fc.string({ unit: 'grapheme', maxLength: 60 });
const toolCall = fc.record({
  id: text,
  type: fc.constant('function'),
  function: fc.record({ name: text, arguments: text }),
});
const message = fc.record(
  {
    role: fc.constant('assistant'),
    content: fc.oneof(fc.constant(null), text),
    refusal: fc.oneof(fc.constant(null), text),
    reasoning_content: text,
    annotations: fc.constant([]),
    audio: fc.record({ id: text, data: fc.base64String(), transcript: text, expires_at: fc.nat() }),
    tool_calls: fc.array(toolCall, { maxLength: 3 }),
    vendor: fc.dictionary(text, fc.oneof(text, fc.integer(), fc.boolean(), fc.constant(null))),
  },
  { requiredKeys: ['role', 'content', 'refusal'] },
);
const logprobs = fc.record({
  content: fc.oneof(
    fc.constant(null),
    fc.array(
      fc.record({
        token: text,
        logprob: fc.double({ min: -1e4, max: 0, noNaN: true }),
        bytes: fc.array(fc.nat(255)),
      }),
    ),
  ),
  refusal: fc.constant(null),
});
const completion = fc
  .record(
    {
      id: text,
      object: fc.constant('chat.completion'),
      created: fc.nat(),
      model: text,
      messages: fc.array(
        fc.record({
          message,
          logprobs: fc.oneof(fc.constant(null), logprobs),
          finish_reason: fc.constantFrom('stop', 'tool_calls'),
        }),
        {
          minLength: 1,
          maxLength: 3,
        },
      ),
      usage: fc.record({
        prompt_tokens: fc.nat(),
        completion_tokens: fc.nat(),
        total_tokens: fc.nat(),
        details: fc.dictionary(text, fc.nat()),
      }),
      service_tier: fc.oneof(fc.constant(null), text),
      system_fingerprint: text,
      citations: fc.array(text),
    },
    { requiredKeys: ['id', 'object', 'created', 'model', 'messages'] },
  )
  .map(({ messages, ...rest }) => ({ ...rest, choices: messages.map((choice, index) => ({ index, ...choice })) }))
  // What cannot be written in JSON differently, such as -0, is not what this is about.
  .map((value) => JSON.parse(JSON.stringify(value)) as { choices: unknown[]; usage?: unknown });

describe('synthesising a stream from a completion', () => {
  it('gives chunks that assemble to the completion', () => {
    fc.assert(
      fc.property(completion, (value) => {
        const frames = synthesiseChat(Buffer.from(JSON.stringify(value)));
        expect(frames).not.toBeNull();
        expect(readBack(frames ?? [])).toEqual(value);
      }),
      { numRuns: 150 },
    );
  });

  it('trap 14: cuts usage where it was not asked for, as OpenAI does, and never sends one lump', () => {
    fc.assert(
      fc.property(completion, (value) => {
        const frames = synthesiseChat(Buffer.from(JSON.stringify(value))) ?? [];
        const recording = Recording.read(encodeRecording(frames, { usageAsked: true, synthesised: true })) as Recording;
        const plain = Buffer.concat(recording.slices(false)).toString();
        const withUsage = Buffer.concat(recording.slices(true)).toString();
        const chunks = (stream: string) =>
          stream
            .split('\n\n')
            .filter((frame) => frame.startsWith('data: {'))
            .map((frame) => JSON.parse(frame.slice(6)) as object);
        expect(chunks(plain).some((chunk) => Object.hasOwn(chunk, 'usage'))).toBe(false);
        expect(chunks(withUsage).length - chunks(plain).length).toBe(value.usage === undefined ? 0 : 1);
      }),
      { numRuns: 50 },
    );
    const frames = synthesiseChat(
      Buffer.from(
        JSON.stringify({
          choices: [{ index: 0, message: { role: 'assistant', content: 'one two  three ' }, finish_reason: 'stop' }],
        }),
      ),
    );
    expect(frames?.map(({ raw }) => /"content":"([^"]*)"/.exec(raw.toString())?.[1])).toEqual([
      '',
      'one',
      ' two',
      '  three',
      ' ',
      undefined,
      undefined,
    ]);
  });

  it('takes completions that leave out what may be null, or count their tool calls', () => {
    const sparse = {
      id: 'x',
      object: 'chat.completion',
      choices: [
        {
          index: 0,
          finish_reason: 'stop',
          message: {
            role: 'assistant',
            tool_calls: [{ index: 0, id: 't', type: 'function', function: { name: 'f', arguments: '{}' } }],
          },
        },
      ],
      usage: null,
    };
    expect(synthesiseChat(Buffer.from(JSON.stringify(sparse)))).not.toBeNull();
  });

  it.each([
    ['no JSON', 'x'],
    ['no choices', '{"id":"x"}'],
    ['a choice without message', '{"object":"chat.completion","choices":[{"index":0,"text":"x"}]}'],
    [
      'another object',
      '{"object":"text_completion","choices":[{"index":0,"message":{"content":"x"},"finish_reason":"stop"}]}',
    ],
    [
      'an array that would merge',
      '{"object":"chat.completion","choices":[{"index":0,"message":{"v":[{"index":0,"a":"x"},{"index":0,"a":"y"}]},"finish_reason":"stop"}]}',
    ],
    [
      'choices out of order',
      '{"object":"chat.completion","choices":[{"index":1,"message":{},"finish_reason":"stop"},{"index":0,"message":{},"finish_reason":"stop"}]}',
    ],
  ])('declines %s rather than change it', (_, json) => {
    expect(synthesiseChat(Buffer.from(json))).toBeNull();
  });

  it('sends a very long text in a bounded number of chunks', () => {
    const content = 'word '.repeat(50_000);
    const value = {
      id: 'x',
      object: 'chat.completion',
      choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
    };
    expect(synthesiseChat(Buffer.from(JSON.stringify(value)))?.length).toBeLessThan(1010);
  });
});
