import type OpenAI from 'openai';
import type { Pool } from 'undici';

export const MODEL = 'gpt-4o-mini';

export type Form = 'json' | 'stream';

/** One question, asked and answered, as the client saw it. */
export interface Asked {
  readonly text: string;
  /** The gateway's word: HIT, MISS, … */
  readonly cache: string;
  /** Until the whole answer was there. */
  readonly clientMs: number;
  /** The server's own time, from `Server-Timing`; null when it does not say. */
  readonly serverMs: number | null;
}

export const otherForm = (form: Form): Form => (form === 'json' ? 'stream' : 'json');

/** Asks by the official SDK. */
export async function ask(
  client: OpenAI,
  question: string,
  form: Form,
  headers: Record<string, string>,
): Promise<Asked> {
  const messages = [{ role: 'user' as const, content: question }];
  const began = performance.now();
  if (form === 'json') {
    const { data, response } = await client.chat.completions
      .create({ model: MODEL, messages }, { headers })
      .withResponse();
    return { text: data.choices[0]?.message.content ?? '', ...seen(response.headers, began) };
  }
  const { data, response } = await client.chat.completions
    .create({ model: MODEL, messages, stream: true }, { headers })
    .withResponse();
  let text = '';
  for await (const chunk of data) text += chunk.choices[0]?.delta.content ?? '';
  return { text, ...seen(response.headers, began) };
}

/** Asks by a plain HTTP client: what the gateway costs without the SDK's own work. */
export async function askPlainly(
  pool: Pool,
  key: string,
  question: string,
  headers: Record<string, string>,
): Promise<Asked> {
  const body = JSON.stringify({ model: MODEL, messages: [{ role: 'user', content: question }] });
  const began = performance.now();
  const answer = await pool.request({
    path: '/v1/chat/completions',
    method: 'POST',
    headers: { ...headers, authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body,
  });
  const whole = await answer.body.text();
  const timed = seen({ get: (name) => answer.headers[name] }, began);
  const completion = JSON.parse(whole) as OpenAI.Chat.ChatCompletion;
  return { text: completion.choices[0]?.message.content ?? '', ...timed };
}

interface ResponseHeaders {
  get(name: string): string | string[] | null | undefined;
}

function seen(headers: ResponseHeaders, began: number): Omit<Asked, 'text'> {
  const serverMs = /\bcache;dur=([\d.]+)/.exec(String(headers.get('server-timing')))?.[1];
  return {
    cache: String(headers.get('x-cache') ?? 'none'),
    clientMs: performance.now() - began,
    serverMs: serverMs === undefined ? null : Number(serverMs),
  };
}
