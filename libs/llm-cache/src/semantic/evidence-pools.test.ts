import { type KeyRef } from '@promptsales/cache-core';
import { type Observation, TEXT_FEATURES } from '@promptsales/semantics';
import type { LogEntry } from './bounded-log.js';
import { EvidencePools } from './evidence-pools.js';

const OBSERVATION: Observation = {
  partition: 'p',
  asked: 'a',
  stored: 's',
  objected: false,
  reserved: false,
  form: null,
  features: TEXT_FEATURES.map(() => 0),
  right: true,
  source: 'drawn',
};

/** Pools with so many observations each, and from where each was read. */
function pools(observations: number, window: number) {
  const read: string[] = [];
  const entries = Array.from({ length: observations }, (_, at): LogEntry => {
    const observation = { ...OBSERVATION, asked: `a${at}` };
    return { id: `${at + 1}-0`, fields: { observation: JSON.stringify(observation) } };
  });
  const log = {
    append: () => Promise.resolve(),
    after: async function* (ref: KeyRef, id: string) {
      read.push(`${Number(ref.key.slice(-2))} from ${id || 'the beginning'}`);
      if (id === '') yield entries;
      await Promise.resolve();
    },
  };
  const held = new EvidencePools(log, { observations: window, confidence: 0.95, ttlSeconds: 60 }, {});
  const look = (name: number) => held.of({ hash: String(name).padStart(64, '0'), tenant: 'default' }, 0.01);
  return { read, look };
}

describe('pools of evidence', () => {
  it('are kept for as many tenants as have little to say', async () => {
    const { read, look } = pools(3, 50_000);
    for (let name = 0; name < 20; name += 1) expect((await look(name)).size).toBe(3);
    await look(0);
    expect(read.at(-1)).toBe('0 from 3-0');
  });

  it('are forgotten by what they hold together, the one that was used longest ago first', async () => {
    const { read, look } = pools(30, 30);
    for (let name = 0; name < 20; name += 1) await look(name);
    await look(19);
    await look(0);
    expect(read.slice(-2)).toEqual(['19 from 30-0', '0 from the beginning']);
  });
});
