/** Providers are not ours: whatever one says is read without throwing, and what is made of it is what it claims to be. */
import fc from 'fast-check';
import { EMBEDDINGS_ENDPOINT, ENDPOINTS } from '../gateway/endpoints.js';
import { parsed } from './json-object.js';
import type { Protocol } from './protocol.js';

const PROTOCOLS = [...ENDPOINTS, EMBEDDINGS_ENDPOINT].map(({ route, protocol }) => [route, protocol] as const);
const TYPES = `
  message_start content_block_start content_block_delta content_block_stop message_delta message_stop error
  text_delta input_json_delta signature_delta citations_delta thinking text tool_use message reasoning
  function_call output_text refusal function response.created response.output_item.added
  response.output_item.done response.completed response.incomplete image_generation.completed
  text_completion url_citation`
  .trim()
  .split(/\s+/);
const NAMES = `
  type index delta message content content_block choices usage error finish_reason stop_reason tool_calls
  function name arguments id text logprobs audio data output response item output_index status embedding
  url b64_json partial_json input citation expires_at annotations __proto__ toJSON constructor role refusal
  created created_at`
  .trim()
  .split(/\s+/);

const { value } = fc.letrec<{ value: unknown; object: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom<unknown>(null, true, 0, 1, 2, -1, 1e300, 2 ** 60, '', 'x', '{"a', 'AA==', 'stop', ...TYPES),
    fc.array(tie('value'), { maxLength: 3 }),
    tie('object'),
  ),
  object: fc
    .dictionary(fc.constantFrom(...NAMES), tie('value'), { maxKeys: 5 })
    .map((members) => JSON.parse(JSON.stringify(members)) as unknown),
}));
/** An object of any members, with a type that some protocol knows. */
const said = fc
  .tuple(fc.constantFrom(...TYPES), fc.dictionary(fc.constantFrom(...NAMES), value, { maxKeys: 6 }))
  .map(([type, members]) => JSON.stringify({ type, ...members }));
const frame = fc.oneof(
  { weight: 8, arbitrary: said.map((data) => `data: ${data}\n\n`) },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.constantFrom(...TYPES), said).map(([event, data]) => `event: ${event}\ndata: ${data}\n\n`),
  },
  { weight: 1, arbitrary: fc.constantFrom('data: [DONE]\n\n', ': x\n\n', 'data\n\n', 'data: {\n\n', '\r\r') },
);

function assembled(protocol: Protocol, frames: readonly string[], maxBytes: number): void {
  const assembler = protocol.assembler(maxBytes, { model: 'm', stream: true, usageAsked: true, serverTools: false });
  for (const raw of frames) {
    const bytes = Buffer.from(raw);
    const { cut } = assembler.push(bytes);
    expect(cut.from + cut.length).toBeLessThanOrEqual(bytes.length);
  }
  const { json, defect } = assembler.finish();
  if (json === null) expect(defect).not.toBeNull();
  else expect(parsed(json.toString())).toEqual(expect.any(Object));
}

describe.each(PROTOCOLS)('%s', (_route, protocol) => {
  it('bears whatever events', () => {
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 8 }), fc.constantFrom(100, 1e6), (frames, maxBytes) => {
        assembled(protocol, frames, maxBytes);
      }),
      { numRuns: 500 },
    );
  });

  it('bears events that nest deeper than a stack', () => {
    const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`;
    const events = [
      `{"choices":[{"index":0,"delta":{"v":${deep}},"logprobs":{"v":${deep}},"finish_reason":"stop"}]}`,
      '{"type":"message_start","message":{"content":[]}}',
      `{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","v":${deep}}}`,
      `{"type":"message_delta","delta":{"stop_reason":"end_turn","v":${deep}}}`,
      `{"type":"response.output_item.done","output_index":0,"item":{"v":${deep}}}`,
      `{"type":"response.completed","response":{"status":"completed","output":[{"v":${deep}}]}}`,
      `{"type":"image_generation.completed","b64_json":"AA==","v":${deep}}`,
    ];
    const frames = [...events.map((data) => `data: ${data}\n\n`), 'data: [DONE]\n\n'];
    expect(() => assembled(protocol, frames, 1e6)).not.toThrow();
  });

  it('bears whatever JSON, and makes no stream of it but one that gives it back', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          said,
          value.map((any) => JSON.stringify(any)),
        ),
        (json) => {
          const bytes = Buffer.from(json);
          const whole = protocol.readWhole(bytes);
          if (whole !== null) expect(whole.json).toBe(bytes);
          for (const { raw } of protocol.synthesise(bytes) ?? []) expect(raw.toString()).toMatch(/\n\n$/);
        },
      ),
      { numRuns: 500 },
    );
  });
});
