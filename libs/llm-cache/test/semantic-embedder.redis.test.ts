import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { SemanticPolicy } from '../src/index.js';
import { LENIENT, SemanticStage, THINGS, told } from './semantic-stage.js';

const stage = SemanticStage.forAll();

describe('an embeddings endpoint', () => {
  let endpoint: Server;
  let behave: (respond: (status: number, body: unknown) => void, input: string[]) => void;
  let asked = 0;
  const vectorOf = (text: string): number[] => THINGS.map((thing) => (text.includes(thing) ? 1 : 0.01));

  beforeEach(async () => {
    asked = 0;
    behave = (respond, input) =>
      respond(200, {
        data: input.map((text, index) => ({ index, embedding: vectorOf(text) })),
        usage: { prompt_tokens: 9, total_tokens: 9 },
      });
    endpoint = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        asked += 1;
        const { input } = JSON.parse(Buffer.concat(chunks).toString()) as { input: string[] };
        behave((status, answer) => {
          response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
        }, input);
      });
    });
    await new Promise<void>((resolve) => endpoint.listen(0, '127.0.0.1', resolve));
  });
  afterEach(async () => {
    endpoint.closeAllConnections();
    await new Promise((resolve) => endpoint.close(resolve));
  });

  function embedded(): SemanticPolicy {
    const baseUrl = `http://127.0.0.1:${(endpoint.address() as AddressInfo).port}/v1`;
    return { ...LENIENT, embedder: { baseUrl, model: 'small' } };
  }

  it('gives the vectors, is booked for them, and asked once for each text', async () => {
    const gateway = await stage.start(embedded());
    await stage.taught(gateway);
    await stage.stored(gateway, 'What is the boiling point of butane then?');
    expect(await stage.ask(gateway, "What's the boiling point of butane, then?")).toBe('SEMANTIC');
    const before = asked;
    expect(await stage.ask(gateway, "What's the boiling point of butane, then?")).toBe('SEMANTIC');
    expect(asked - before).toBeLessThanOrEqual(1);
    const booked = gateway.ledger.calls.filter(({ facts }) => facts.route === 'semantic');
    expect(booked).toHaveLength(asked);
    expect(booked[0]).toMatchObject({
      facts: { cause: 'exploration', model: 'small', tenant: 'acme' },
      outcome: { status: 'completed', usage: { inputTokens: 9, outputTokens: 0 } },
    });
  });

  it.each([
    ['fails', (respond: (status: number, answer: unknown) => void) => respond(500, {}), 60_000],
    ['answers nonsense', (respond: (status: number, answer: unknown) => void) => respond(200, { data: 'no' }), 60_000],
    ['hangs', () => undefined, 3000],
  ])('that %s makes a miss, and is left alone for a while', async (_how, how, timeoutMs) => {
    behave = how;
    const gateway = await stage.start(embedded(), { embedder: { timeoutMs, restMs: 600_000 } });
    expect(await stage.ask(gateway, 'What is the boiling point of water then?')).toBe('MISS');
    expect(await stage.ask(gateway, 'What is the boiling point of iron then?')).toBe('MISS');
    expect(await stage.ask(gateway, 'What is the boiling point of iron then?')).toBe('HIT');
    expect(asked).toBe(1);
    expect(told(gateway, 'semantic failed')).toBe(2);
    expect(gateway.events.filter((event) => event.startsWith('embedder_'))).toHaveLength(2);
    expect(gateway.ledger.calls.find(({ facts }) => facts.route === 'semantic')?.outcome?.status).toBe('failed');
  });
});
