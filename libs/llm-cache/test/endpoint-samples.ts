/** A question, its answer as JSON and as a stream, of each endpoint of OpenAI's API that streams text. */
import { DONE, ROLE, say, STOP, USAGE_CHUNK } from './stream-provider.js';

export interface Sample {
  readonly route: string;
  readonly question: (text: string) => Record<string, unknown>;
  /** The stream in three parts; the first two of them say `early` and `late`. */
  readonly stream: readonly [string, string, string];
  readonly json: unknown;
  /** An event of 64 kB in the middle. */
  readonly long: string;
}

const LONG = 'x'.repeat(64 * 1024);

/** An event of `/v1/responses`. */
export const event = (type: string, more: object = {}): string =>
  `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: 0, ...more })}\n\n`;
export const MESSAGE = {
  type: 'message',
  id: 'msg_1',
  status: 'completed',
  role: 'assistant',
  content: [{ type: 'output_text', text: 'early late', annotations: [] }],
};
export const RESPONSE = {
  id: 'resp_1',
  object: 'response',
  created_at: 1,
  status: 'completed',
  model: 'gpt-5',
  output: [MESSAGE],
  usage: { input_tokens: 3, output_tokens: 4, total_tokens: 7 },
};
/** Text of the response, as its stream says it. */
export const delta = (text: string): string =>
  event('response.output_text.delta', { item_id: 'msg_1', output_index: 0, content_index: 0, delta: text });
export const CREATED = event('response.created', { response: { ...RESPONSE, status: 'in_progress', output: [] } });
export const COMPLETED = event('response.completed', { response: RESPONSE });

const TEXT = { id: 'cmpl-1', object: 'text_completion', created: 1, model: 'instruct' };
const USAGE = { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 };
const chunk = (text: string, reason: string | null = null): string =>
  `data: ${JSON.stringify({ ...TEXT, choices: [{ text, index: 0, logprobs: null, finish_reason: reason }] })}\n\n`;

export const SAMPLES: Record<string, Sample> = {
  'chat completions': {
    route: '/v1/chat/completions',
    question: (content) => ({
      model: 'gpt-4o',
      messages: [{ role: 'user', content }],
      stream_options: { include_usage: true },
    }),
    stream: [ROLE + say('early'), say(' late'), STOP + USAGE_CHUNK + DONE],
    json: {
      id: 'chatcmpl-1',
      object: 'chat.completion',
      created: 1,
      model: 'gpt-4o-2024',
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: 'early late', refusal: null },
          logprobs: null,
          finish_reason: 'stop',
        },
      ],
      usage: USAGE,
    },
    long: say(LONG),
  },
  responses: {
    route: '/v1/responses',
    question: (input) => ({ model: 'gpt-5', input }),
    stream: [
      CREATED + delta('early'),
      delta(' late'),
      event('response.output_item.done', { output_index: 0, item: MESSAGE }) + COMPLETED,
    ],
    json: RESPONSE,
    long: delta(LONG),
  },
  completions: {
    route: '/v1/completions',
    question: (prompt) => ({ model: 'instruct', prompt, stream_options: { include_usage: true } }),
    stream: [
      chunk('early'),
      chunk(' late'),
      `${chunk('', 'stop')}data: ${JSON.stringify({ ...TEXT, choices: [], usage: USAGE })}\n\n${DONE}`,
    ],
    json: {
      ...TEXT,
      choices: [{ text: 'early late', index: 0, logprobs: null, finish_reason: 'stop' }],
      usage: USAGE,
    },
    long: chunk(LONG),
  },
};
