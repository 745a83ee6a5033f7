import { clientMinute, serviceMinute } from './counter/counter.js';
import { Denials } from './denials.js';
import type { Limit, LimitState } from './limit.js';

const limitOf = (most: number, client = 'crm'): Limit => ({
  name: 'client_rate_limit',
  counter: clientMinute(client, 'mcp', 'default'),
  most,
  onOutage: 'open',
});
const state: LimitState = {
  name: 'client_rate_limit',
  most: 5,
  windowMs: 60_000,
  remaining: 0,
  resetMs: 700,
  retryAfterMs: 700,
};

describe('denials that are remembered', () => {
  let now = 0;
  let denials: Denials;

  beforeEach(() => {
    now = 1000;
    denials = new Denials(() => now);
    denials.remember(limitOf(5), 2, state);
  });

  it('hold until their time, which gets shorter', () => {
    expect(denials.find(limitOf(5), 2)).toEqual(state);
    now += 699;
    expect(denials.find(limitOf(5), 2)).toMatchObject({ resetMs: 1, retryAfterMs: 1 });
    now += 1;
    expect(denials.find(limitOf(5), 2)).toBeNull();
  });

  it('hold for what costs as much or more', () => {
    expect(denials.find(limitOf(5), 3)).not.toBeNull();
    expect(denials.find(limitOf(5), 1)).toBeNull();
  });

  it('are of one subject under one limit', () => {
    expect(denials.find(limitOf(6), 2)).toBeNull();
    expect(denials.find(limitOf(5, 'web'), 2)).toBeNull();
    expect(denials.find({ ...limitOf(5), counter: serviceMinute('crm') }, 2)).toBeNull();
  });

  it('hold no longer than they are said to', () => {
    denials.remember(limitOf(5), 2, state, 300);
    now += 299;
    expect(denials.find(limitOf(5), 2)).toMatchObject({ retryAfterMs: 401 });
    now += 1;
    expect(denials.find(limitOf(5), 2)).toBeNull();
  });

  it('are so many at most', () => {
    for (let at = 0; at < 10_000; at += 1) denials.remember(limitOf(5, `c${at}`), 2, state);
    expect(denials.find(limitOf(5), 2)).toBeNull();
    expect(denials.find(limitOf(5, 'c0'), 2)).not.toBeNull();
  });
});
