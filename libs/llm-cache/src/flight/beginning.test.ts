import type { CallFacts, Ledger } from '../ledger/ledger.js';
import { LlmError } from '../protocol/llm-error.js';
import { Asker } from '../upstream/asker.js';
import { Beginning } from './beginning.js';

const TARGET = { provider: 'p', baseUrl: 'http://p', apiKey: null, simulated: false };
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe.each([
  ['the provider is not asked at the moment', 'upstream_circuit_open'],
  ['the ledger takes no line', 'ledger_unavailable'],
] as const)('a call that may not be made since %s', (_why, code) => {
  const refused = (): Promise<never> => Promise.reject(new LlmError(code, 'not now'));
  const begin = (): Beginning => {
    const asker = new Asker({ call: refused, ...(code === 'upstream_circuit_open' ? { enter: refused } : {}) });
    return new Beginning(TARGET, {} as CallFacts, { asker, ledger: { begin: refused } as unknown as Ledger });
  };

  it('ends no process while the lease is asked for', async () => {
    const { begun } = begin();
    // A rejection that nobody has taken by then fails this test, as it ends a process.
    await turn();
    await turn();
    expect(begun).toBeInstanceOf(Promise);
  });

  it('tells whoever leads', async () => {
    await expect(begin().begun).rejects.toMatchObject({ code });
    begin().withdraw();
  });
});
