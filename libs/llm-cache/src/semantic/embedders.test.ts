import type { Attribution } from '../ledger/ledger.js';
import { MemoryLedger } from '../ledger/memory-ledger.js';
import { Embedders } from './embedders.js';

const CALLER: Attribution = {
  tenant: 'acme',
  keyId: 'k1',
  client: 'web',
  userId: null,
  clienteId: null,
  campanaId: null,
  segmento: null,
};
const VECTOR = { data: [{ index: 0, embedding: [1, 0] }], usage: { prompt_tokens: 3, total_tokens: 3 } };

describe('an embeddings endpoint that refuses', () => {
  let answers: Response[];
  let asked: jest.SpiedFunction<typeof fetch>;

  beforeEach(() => {
    asked = jest.spyOn(globalThis, 'fetch').mockImplementation(() => Promise.resolve(answers.shift() as Response));
  });
  afterEach(() => {
    asked.mockRestore();
  });

  const ledger = (): MemoryLedger => new MemoryLedger();
  const embedderOn = (lines: MemoryLedger) =>
    new Embedders({ targetFor: () => null }, lines, { timeoutMs: 10_000, restMs: 60_000 }).of(
      { baseUrl: 'https://e.example/v1', model: 'small' },
      CALLER,
      'identity',
    );

  it.each([400, 413, 422])(
    'a text (%d) is asked for the next one at once, and the refusal costs nothing',
    async (status) => {
      answers = [new Response('', { status }), Response.json(VECTOR)];
      const lines = ledger();
      const embedder = embedderOn(lines);
      await expect(embedder.embed(['far too long'])).rejects.toMatchObject({ code: 'embedder_text_refused' });
      expect((await embedder.embed(['short'])).inputTokens).toBe(3);
      expect(lines.calls.map(({ outcome }) => [outcome?.status, outcome?.httpStatus])).toEqual([
        ['failed', status],
        ['completed', 200],
      ]);
    },
  );

  it.each([401, 429, 500])('everything (%d) is left alone for a while', async (status) => {
    answers = [new Response('', { status })];
    const lines = ledger();
    const embedder = embedderOn(lines);
    await expect(embedder.embed(['a'])).rejects.toMatchObject({ code: 'embedder_refused' });
    await expect(embedder.embed(['a'])).rejects.toMatchObject({ code: 'embedder_unreachable' });
    expect(asked).toHaveBeenCalledTimes(1);
    expect(lines.calls).toHaveLength(1);
  });
});
