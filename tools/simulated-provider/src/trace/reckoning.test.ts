import type { CountedCall } from '../counting-proxy.js';
import { type Books, type ExportedLine, reckon } from './reckoning.js';

const call = (answerId: string, usage: CountedCall['usage'], model = 'gpt-4o-mini'): CountedCall => ({
  at: '',
  method: 'POST',
  path: '',
  status: 200,
  inputTokens: null,
  outputTokens: null,
  answerId,
  model,
  usage,
  durationMs: 1,
  end: 'completed',
});
const line = (more: Partial<ExportedLine>): ExportedLine => ({
  kind: 'call',
  outcome: 'completed',
  hits: 1,
  response_id: 'a',
  request_ids: ['r'],
  spent_nano_usd: null,
  avoided_nano_usd: null,
  ...more,
});
const USAGE = { prompt_tokens: 10, completion_tokens: 2, prompt_tokens_details: { cached_tokens: 4 } };
// 6 × 150 + 4 × 75 + 2 × 600
const COST = '2400';
const hit = line({ kind: 'hit', outcome: 'hit', request_ids: ['h'], avoided_nano_usd: COST });
const books = (more: Partial<Books> = {}): Books => ({
  lines: [line({ spent_nano_usd: COST }), hit],
  calls: [call('a', USAGE)],
  observed: [
    { requestId: 'r', status: 200, cache: 'MISS', whole: true, answerId: 'a' },
    { requestId: 'h', status: 200, cache: 'HIT', whole: true, answerId: 'a' },
  ],
  lostAtMost: 0,
  spooled: false,
  ...more,
});
const failing = (of: Books): number => reckon(of).verdicts.filter(({ holds }) => !holds).length;

describe('the reckoning', () => {
  it('finds nothing where the books agree', () => {
    expect([failing(books()), reckon(books()).offByNanoUsd]).toEqual([0, 0n]);
  });

  it('knows the classes of Anthropic', () => {
    const usage = {
      input_tokens: 1,
      cache_read_input_tokens: 1,
      cache_creation: { ephemeral_5m_input_tokens: 1, ephemeral_1h_input_tokens: 1 },
      output_tokens: 1,
    };
    const lines = [line({ spent_nano_usd: String(2000 + 100 + 2500 + 4000 + 10_000) })];
    const calls = [call('a', usage, 'claude-sonnet-5-5')];
    expect(reckon(books({ lines, calls, observed: [] })).offByNanoUsd).toBe(0n);
  });

  it.each<[string, Partial<Books>]>([
    ['a nano-dollar too much', { lines: [line({ spent_nano_usd: '2401' }), hit] }],
    ['a hit that avoided too little', { lines: [line({ spent_nano_usd: COST }), { ...hit, avoided_nano_usd: '1' }] }],
    ['a call without a line', { calls: [call('a', USAGE), call('b', USAGE)] }],
    [
      'a line without a call',
      { lines: [line({ spent_nano_usd: COST }), line({ spent_nano_usd: COST, response_id: 'z' }), hit] },
    ],
    ['a call booked twice', { lines: [line({ spent_nano_usd: COST }), line({ spent_nano_usd: COST }), hit] }],
    [
      'unknown booked as 0',
      {
        lines: [line({ spent_nano_usd: COST }), line({ spent_nano_usd: '0', response_id: 'b' }), hit],
        calls: [call('a', USAGE), call('b', USAGE)],
      },
    ],
    [
      'a line that is still open',
      { lines: [line({ spent_nano_usd: COST }), line({ outcome: 'intent', response_id: null }), hit] },
    ],
    ['a hit that nobody announced as lost', { lines: [line({ spent_nano_usd: COST })] }],
    ['a hit with two receipts', { lines: [line({ spent_nano_usd: COST }), hit, hit] }],
  ])('finds %s', (_what, more) => {
    expect(failing(books(more))).toBeGreaterThan(0);
  });
});
