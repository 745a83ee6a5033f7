import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Asked {
  readonly prompt: string;
  readonly body: Record<string, unknown>;
}

export interface Answering {
  /** Answers with this text. */
  say(content: string): void;
  /** Refuses with this status. */
  refuse(status: number): void;
}

/** A provider that answers chat completions when, and as, the test says. */
export interface HeldUpstream {
  readonly url: string;
  readonly asked: Asked[];
  /** What each request gets, with its number from 1. @default messages about its prompt, at once */
  answer: (answering: Answering, asked: Asked, number: number) => void | Promise<void>;
  /** Resolves when so many requests have come. */
  calls(count: number): Promise<void>;
  reset(): void;
  stop(): Promise<void>;
}

export const MESSAGES = [
  { numero: 1, texto: 'Ven a vernos', tono: 'cercano' },
  { numero: 2, texto: 'Última semana', tono: 'urgente' },
];

const answerAtOnce: HeldUpstream['answer'] = (answering) => answering.say(JSON.stringify({ mensajes: MESSAGES }));

export async function heldUpstream(): Promise<HeldUpstream> {
  const waiting = new Set<() => void>();
  const server = createServer((request, reply) => void serve(request, reply));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const upstream: HeldUpstream = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    asked: [],
    answer: answerAtOnce,
    calls: async (count) => {
      while (upstream.asked.length < count) await new Promise<void>((resolve) => waiting.add(resolve));
    },
    reset: () => {
      upstream.asked.length = 0;
      upstream.answer = answerAtOnce;
    },
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };

  async function serve(request: IncomingMessage, reply: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>;
    const [message] = body['messages'] as [{ content: string }];
    const asked = { prompt: message.content, body };
    upstream.asked.push(asked);
    for (const resolve of waiting) resolve();
    waiting.clear();
    const answering: Answering = {
      say: (content) => stream(reply, content, String(body['model'])),
      refuse: (status) => {
        reply.writeHead(status, { 'content-type': 'application/json' });
        reply.end(JSON.stringify({ error: { message: 'no', type: 'x', code: null, param: null } }));
      },
    };
    await upstream.answer(answering, asked, upstream.asked.length);
  }
  return upstream;
}

function stream(reply: ServerResponse, content: string, model: string): void {
  const common = {
    id: `chatcmpl-${Math.random().toString(36).slice(2)}`,
    object: 'chat.completion.chunk',
    created: 1,
    model,
  };
  const choice = (delta: object, finish: string | null): object => ({ index: 0, delta, finish_reason: finish });
  const usage = { prompt_tokens: 40, completion_tokens: 60, total_tokens: 100 };
  reply.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const chunk of [
    { ...common, choices: [choice({ role: 'assistant', content }, null)] },
    { ...common, choices: [choice({}, 'stop')] },
    { ...common, choices: [], usage },
  ]) {
    reply.write(`data: ${JSON.stringify(chunk)}\n\n`);
  }
  reply.end('data: [DONE]\n\n');
}
