import type { Redis } from 'ioredis';
import { beganWithData } from './handshake.js';

const answering = (info: string) => beganWithData((send) => send({ info: async () => info } as unknown as Redis));

describe('whether a young server may lack the last of what it had', () => {
  const lines = (...of: readonly string[]): string => of.map((line) => `${line}\r\n`).join('');

  test.each([
    [
      'began empty, and was filled since',
      ['aof_enabled:0', 'rdb_last_load_keys_loaded:0', 'db0:keys=3,expires=0'],
      false,
    ],
    ['is empty', ['aof_enabled:1', 'rdb_last_load_keys_loaded:0'], false],
    ['has read a snapshot', ['aof_enabled:0', 'rdb_last_load_keys_loaded:3', 'db0:keys=3,expires=0'], true],
    ['may have read an append-only file', ['aof_enabled:1', 'rdb_last_load_keys_loaded:0', 'db0:keys=3'], true],
    ['is still reading', ['loading:1', 'aof_enabled:0'], true],
    ['does not say what it has read', ['aof_enabled:0', 'db0:keys=3'], true],
  ])('one that %s', async (_what, info, expected) => {
    expect(await answering(lines(...info))).toBe(expected);
  });
});
