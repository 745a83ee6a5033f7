import { keyspace } from '../keyspace/keyspace.js';
import type { RecoveryRun } from '../redis/link.js';
import { rootOf, sweepEntries } from './sweep.js';

const globsOf = async (root: string, keyPrefix = ''): Promise<unknown[]> => {
  const globs: unknown[] = [];
  const run: RecoveryRun = async (_script, _keys, [, glob]) => {
    globs.push(glob);
    return '0';
  };
  await sweepEntries(run, root, keyPrefix);
  return globs;
};

describe('sweeping a family', () => {
  test('trap 1: leases go first, then what vouches for values, then values and parts', async () => {
    expect(await globsOf('app:')).toEqual(['lease:{app:*', 'meta:{app:*', 'app:*', 'frames:{app:*']);
  });

  test('trap 3: a prefix is taken as it is, whatever it holds', async () => {
    expect(await globsOf('a*:app:', 'a*:')).toEqual([
      'a\\*:lease:{a\\*:app:*',
      'a\\*:meta:{a\\*:app:*',
      'a\\*:app:*',
      'a\\*:frames:{a\\*:app:*',
    ]);
  });

  test('trap 3: the root of a tenant’s family is no other family’s, whatever the tenant is called', () => {
    expect(rootOf(keyspace.appValue.at({ key: 'k' }))).toBe('app:');
    expect(rootOf(keyspace.appValue.at({ key: 'app:k' }, 'my-app'))).toBe('tenant:my-app:app:');
    expect(rootOf(keyspace.appValue.at({ key: 'k' }, 'app:'))).toBe('tenant:app%3A:app:');
    expect(rootOf(keyspace.llmResponse.at({ hash: 'a'.repeat(64) }, 'acme'))).toBe('llm_cache:');
  });
});
