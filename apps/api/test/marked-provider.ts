/** A provider of every endpoint whose answers can be told apart: each call is answered with a mark of its own. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Ask = (model: string, question: string, stream: boolean) => object;

/** Every route that answers from the cache what a provider has said, and how it is asked. */
export const ROUTES: Readonly<Record<string, Ask>> = {
  '/v1/chat/completions': (model, content, stream) => ({ model, messages: [{ role: 'user', content }], stream }),
  '/v1/completions': (model, prompt, stream) => ({ model, prompt, stream }),
  '/v1/responses': (model, input, stream) => ({ model, input, stream }),
  '/v1/messages': (model, content, stream) => ({
    model,
    max_tokens: 50,
    messages: [{ role: 'user', content }],
    stream,
  }),
  '/v1/images/generations': (model, prompt) => ({ model, prompt }),
  '/v1/embeddings': (model, input) => ({ model, input }),
  '/v1/generations': (model, prompt) => ({ model, prompt }),
};

/** What a provider answers at each path: valid there, and marked as nobody else's. */
function answerOf(path: string, { model }: { readonly model: string }, mark: number): object {
  const text = `mark-${mark}-`;
  const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
  if (path.endsWith('/messages')) {
    const content = [{ type: 'text', text }];
    const counts = { input_tokens: 1, output_tokens: 1 };
    return {
      id: text,
      type: 'message',
      role: 'assistant',
      model,
      content,
      stop_reason: 'end_turn',
      stop_sequence: null,
      usage: counts,
    };
  }
  if (path.endsWith('/models'))
    return { object: 'list', data: [{ id: text, object: 'model', created: 1, owned_by: 'x' }] };
  if (path.endsWith('/embeddings')) {
    return { object: 'list', model, data: [{ object: 'embedding', index: 0, embedding: [mark, 0.5] }], usage };
  }
  if (path.endsWith('/images/generations')) return { created: 1, data: [{ url: `https://images.example/${text}` }] };
  if (path.endsWith('/responses')) {
    const content = [{ type: 'output_text', text, annotations: [] }];
    const output = [{ type: 'message', id: `msg_${mark}`, status: 'completed', role: 'assistant', content }];
    const counts = { input_tokens: 1, output_tokens: 1, total_tokens: 2 };
    return {
      id: `resp_${mark}`,
      object: 'response',
      created_at: 1,
      status: 'completed',
      error: null,
      incomplete_details: null,
      model,
      output,
      usage: counts,
    };
  }
  if (path.endsWith('/chat/completions')) {
    const choices = [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: 'stop' }];
    return { id: text, object: 'chat.completion', created: 1, model, choices, usage };
  }
  return {
    id: text,
    object: 'text_completion',
    created: 1,
    model,
    choices: [{ index: 0, text, logprobs: null, finish_reason: 'stop' }],
    usage,
  };
}

export interface MarkedProvider {
  /** Without a path. */
  readonly url: string;
  readonly calls: number;
  /** Answers wait until what this returns is called. */
  hold(): () => void;
  /** The next call is answered with an error. */
  failOnce(status: number): void;
  stop(): Promise<void>;
}

/** Marks are never the same twice, whichever provider makes them. */
let marks = 0;

export async function startMarkedProvider(): Promise<MarkedProvider> {
  let calls = 0;
  let held = Promise.resolve();
  let failure: number | null = null;
  const server = createServer((asked, response) => {
    const chunks: Buffer[] = [];
    asked.on('data', (chunk: Buffer) => chunks.push(chunk));
    asked.on('end', () => {
      calls += 1;
      marks += 1;
      const mark = marks;
      const path = String(asked.url).split('?', 1)[0] as string;
      const body =
        chunks.length === 0 ? { model: '' } : (JSON.parse(Buffer.concat(chunks).toString()) as { model: string });
      response.setHeader('content-type', 'application/json');
      const status = failure ?? 200;
      failure = null;
      const answer =
        status === 200 ? answerOf(path, body, mark) : { error: { message: 'theirs', type: 'server_error' } };
      void held.then(() => response.writeHead(status).end(JSON.stringify(answer)));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get calls() {
      return calls;
    },
    hold: () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      held = promise;
      return resolve;
    },
    failOnce: (status) => {
      failure = status;
    },
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** The mark of an answer in any endpoint's form. */
export function markIn(text: string): string {
  const mark = /mark-(\d+)-/.exec(text)?.[1] ?? /"embedding":\[(\d+),/.exec(text)?.[1];
  if (mark === undefined) throw new Error(`an answer without a mark: ${text}`);
  return mark;
}
