/** Messages of Anthropic's, event by event, and what is made of them. */
import { MESSAGES } from '../../src/protocol/messages/messages.js';
import type { WholeAnswer } from '../../src/protocol/protocol.js';
import { SseSplitter } from '../../src/stream/sse-frames.js';

export type Event = Readonly<Record<string, unknown>> & { readonly type: string };

export const USAGE = {
  input_tokens: 12,
  cache_creation_input_tokens: 300,
  cache_read_input_tokens: 40,
  cache_creation: { ephemeral_5m_input_tokens: 100, ephemeral_1h_input_tokens: 200 },
  output_tokens: 1,
  service_tier: 'standard',
};
export const MESSAGE = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude-sonnet-4-5-20250929',
  content: [],
  stop_reason: null,
  stop_sequence: null,
  usage: USAGE,
};

export const start = (more: object = {}): Event => ({ type: 'message_start', message: { ...MESSAGE, ...more } });
export const block = (index: number, content: object, ...deltas: object[]): Event[] => [
  { type: 'content_block_start', index, content_block: content },
  ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
  { type: 'content_block_stop', index },
];
export const text = (index: number, ...pieces: string[]): Event[] =>
  block(index, { type: 'text', text: '' }, ...pieces.map((piece) => ({ type: 'text_delta', text: piece })));
export const end = (
  reason: string | null = 'end_turn',
  usage: object = { output_tokens: 9 },
  more: object = {},
): Event => ({
  type: 'message_delta',
  delta: { stop_reason: reason, stop_sequence: null },
  usage,
  ...more,
});
export const STOP: Event = { type: 'message_stop' };

const frameOf = (event: Event): string => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
export const streamOf = (events: readonly Event[]): string => events.map(frameOf).join('');

export function assembled(stream: string | Buffer, maxBytes?: number): WholeAnswer {
  const splitter = new SseSplitter(1e6);
  const assembler = MESSAGES.assembler(maxBytes ?? 1e6);
  for (const frame of splitter.push(Buffer.from(stream))) assembler.push(frame);
  const rest = splitter.finish();
  if (rest !== null) assembler.push(rest);
  return assembler.finish();
}

export const jsonOf = ({ json }: WholeAnswer): unknown => (json === null ? null : JSON.parse(json.toString()));
