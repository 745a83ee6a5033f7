/** Chat completions as providers stream them, and what is put together from them. */
import { ChatAssembler } from '../src/protocol/chat-completions/assemble.js';

export const base = {
  id: 'c1',
  object: 'chat.completion.chunk',
  created: 1,
  model: 'gpt-4o-2024',
  system_fingerprint: 'fp',
};

export function chunk(choices: unknown[], more: object = {}): string {
  return `data: ${JSON.stringify({ ...base, choices, ...more })}\n\n`;
}

export function delta(value: unknown, more: object = {}): unknown {
  return { index: 0, delta: value, logprobs: null, finish_reason: null, ...more };
}

export const STOP = { index: 0, delta: {}, logprobs: null, finish_reason: 'stop' };
export const USAGE = { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 };
export const DONE = 'data: [DONE]\n\n';

export function assembled(...frames: string[]) {
  const assembler = new ChatAssembler();
  const readings = frames.map((frame) => assembler.push(Buffer.from(frame)));
  const whole = assembler.finish();
  const completion =
    whole.json === null
      ? null
      : (JSON.parse(whole.json.toString()) as { choices: { message: Record<string, unknown> }[] });
  return { ...whole, readings, completion, message: completion?.choices[0]?.message };
}
