import { RedisUnavailableError } from './errors.js';
import { redirectionIn } from './redirection.js';

const reply = (message: string): Error => new Error(message);
const refused = (message: string): Error => new RedisUnavailableError('refused', 'test', { cause: reply(message) });

describe('what a node of a cluster answers instead', () => {
  test.each([
    ['MOVED 3999 127.0.0.1:6381', { kind: 'moved', slot: 3999, address: '127.0.0.1:6381' }],
    ['ASK 0 ::1:6381', { kind: 'ask', slot: 0, address: '::1:6381' }],
    ['MOVED 5 :6381', { kind: 'moved', slot: 5, address: ':6381' }],
    ['TRYAGAIN Multiple keys request during rehashing of slot', { kind: 'apart' }],
    ['CLUSTERDOWN The cluster is down', { kind: 'down' }],
    ['WRONGTYPE Operation against a key', null],
    ['MOVED', null],
  ])('%s', (message, expected) => {
    expect(redirectionIn(reply(message))).toEqual(expected);
    expect(redirectionIn(refused(message))).toEqual(expected);
  });

  test('a trouble of the connection is no redirection', () => {
    expect(redirectionIn(new RedisUnavailableError('timeout', 'test'))).toBeNull();
    expect(redirectionIn('MOVED 1 a:1')).toBeNull();
  });
});
