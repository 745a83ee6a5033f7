import fc from 'fast-check';
import { loadedScripts, type Script } from '@promptsales/cache-core';
import { startRedis, type TestRedis } from '@promptsales/test-kit';
import { Redis } from 'ioredis';
import { runScript } from '../src/redis/lua.js';
import { Failure, Status, type Reply } from '../src/redis/reply.js';
import { SimulatedRedis } from '../src/redis/server.js';
import { VirtualTime } from '../src/time/virtual-time.js';

/** One command, or one of the protocol's scripts, as it would be sent. */
type Sent =
  | { readonly command: readonly string[] }
  | { readonly script: string; readonly keys: string[]; readonly args: string[] };

const KEYS = ['app:a', 'meta:{app:a}', 'lease:{app:a}', 'raw:{app:a}'];
const LATER = '99999999999999';

/** The simulator proves nothing about Redis if its server is not like one. */
describe('the simulated server answers as a real one does', () => {
  let real: TestRedis;
  let client: Redis;

  beforeAll(async () => {
    real = await startRedis();
    client = new Redis(real.url);
  });

  afterAll(async () => {
    client.disconnect();
    await real.stop();
  });

  const key = fc.constantFrom(...KEYS);
  const text = fc.constantFrom('', 'x', 'token', '{"a":[1,2]}', '12', 'ünï\u0000\r\n');
  const ttl = fc.constantFrom('50000', '70000');
  const command: fc.Arbitrary<Sent> = fc
    .oneof(
      fc.tuple(fc.constant('GET'), key),
      fc.tuple(fc.constant('MGET'), key, key, key),
      fc.tuple(fc.constant('SET'), key, text),
      fc.tuple(fc.constant('SET'), key, text, fc.constant('PX'), ttl),
      fc.tuple(fc.constant('SET'), key, text, fc.constant('PX'), ttl, fc.constantFrom('NX', 'XX', 'GET')),
      fc.tuple(
        fc.constant('SET'),
        key,
        text,
        fc.constantFrom('PX', 'nonsense'),
        fc.constantFrom('0', '-1', '1.5', 'x'),
      ),
      fc.tuple(fc.constant('DEL'), key, key),
      fc.tuple(fc.constant('UNLINK'), key),
      fc.tuple(fc.constant('EXISTS'), key, key),
      fc.tuple(fc.constant('PEXPIRE'), key, ttl),
      fc.tuple(fc.constant('TYPE'), key),
      fc.tuple(fc.constant('HSET'), key, text, text),
      fc.tuple(fc.constant('RPUSH'), key, text, text),
      fc.tuple(fc.constant('LRANGE'), key, fc.constant('0'), fc.constant('-1')),
      fc.tuple(fc.constant('ZADD'), key, fc.constantFrom('1', '2.5', '-3'), text),
      fc.tuple(fc.constant('ZRANGE'), key, fc.constant('0'), fc.constant('-1'), fc.constant('WITHSCORES')),
      fc.tuple(fc.constant('HGETALL'), key),
      fc.tuple(fc.constant('PUBLISH'), text, text),
    )
    .map((parts) => ({ command: parts }));

  const run = (script: string, keys: readonly string[], args: fc.Arbitrary<string[]>): fc.Arbitrary<Sent> =>
    fc
      .tuple(fc.constantFrom(LATER, '1'), args)
      .map(([deadline, rest]) => ({ script, keys: [...keys], args: [deadline, ...rest] }));
  const [value, sidecar, lease] = KEYS as [string, string, string];
  const token = fc.constantFrom('token', 'other');
  const written = fc.constantFrom(['string', 'bytes'], ['hash', 'f', 'v'], ['list', 'a', 'b'], ['zset', '1', 'm']);
  const script: fc.Arbitrary<Sent> = fc.oneof(
    run(
      'ps_acquire',
      [value, sidecar, lease],
      fc.tuple(token, ttl, fc.constantFrom('absent', 'replace', 'steal'), fc.constantFrom('', 'other')),
    ),
    run(
      'ps_store',
      [value, sidecar, lease],
      fc.tuple(fc.constantFrom('', 'token'), ttl, text, written).map(([a, b, c, d]) => [a, b, c, ...d]),
    ),
    run(
      'ps_store',
      KEYS,
      fc.tuple(fc.constantFrom('', 'token'), ttl, text, text, written).map(([a, b, c, d, e]) => [a, b, c, d, ...e]),
    ),
    run('ps_invalidate', KEYS, fc.constant([])),
    run(
      'ps_release',
      [value, lease],
      token.map((one) => [one]),
    ),
    run('ps_renew', [lease], fc.tuple(token, ttl)),
  );

  test('any sequence of commands and scripts of the protocol', async () => {
    const scripts = new Map([...loadedScripts()].map((loaded) => [loaded.name, loaded]));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(command, script), { minLength: 1, maxLength: 25 }), async (sequence) => {
        await client.flushall();
        const time = new VirtualTime(1);
        const simulated = new SimulatedRedis(time);
        for (const sent of sequence) {
          const said = 'command' in sent ? sent.command : evalOf(scripts.get(sent.script) as Script, sent);
          const [name, ...args] = said as [string, ...string[]];
          const bytes = args.map((argument) => Buffer.from(argument));
          const expected = await client.callBuffer(name, ...bytes).catch((error: Error) => error);
          expect([
            said.slice(0, 3),
            comparable(name === 'EVAL' ? evaluated(simulated, bytes) : simulated.call(name, bytes)),
          ]).toEqual([said.slice(0, 3), comparable(expected as Reply | Error)]);
        }
      }),
      { numRuns: 150, seed: 20_261_121 },
    );
  });

  test('what Lua returns and what Redis makes of it', async () => {
    const sources = [
      'return 1',
      'return 1.9',
      'return -1.9',
      "return 'x'",
      'return true',
      'return false',
      'return nil',
      'return {1, 2.5, "x"}',
      'return {1, nil, 3}',
      'return {{1}, {}}',
      "return redis.status_reply('FINE')",
      "return redis.error_reply('BAD news')",
      "return redis.call('SET', 'k', 1)",
      "return redis.call('SET', 'k', 1.5)",
      "return redis.call('SET', 'k', 3.0)",
      "redis.call('SET', 'k', 10 / 2) return redis.call('GET', 'k')",
      "return redis.call('GET', 'none')",
      "return redis.pcall('GET', 'none')",
      "return {redis.call('GET', 'none')}",
      'return #ARGV + #KEYS',
      'return unpack({1, 2})',
      "return tostring(redis.call('GET', 'none'))",
      "return math.floor('17' * 1000 / 3)",
      "return tonumber('1798761600123') > 1798761600122 and 'more' or 'less'",
      "return string.len('\\0x')",
      "redis.call('RPUSH', 'l', 'a') return redis.pcall('GET', 'l')",
    ];
    for (const source of sources) {
      await client.flushall();
      const simulated = new SimulatedRedis(new VirtualTime(1));
      const reply = runScript(source, [], [], ([name, ...given]) => simulated.call(String(name).toUpperCase(), given));
      const expected = await client.callBuffer('EVAL', source, '0').catch((error: Error) => error);
      expect([source, comparable(reply)]).toEqual([source, comparable(expected as Reply | Error)]);
    }
  });
});

function evalOf({ lua, tellsChanges }: Script, { keys, args }: { keys: string[]; args: string[] }): string[] {
  // Where changes are told of: nowhere.
  return ['EVAL', lua, String(keys.length), ...keys, ...args, ...(tellsChanges ? [''] : [])];
}

function evaluated(server: SimulatedRedis, [source, count, ...rest]: readonly Buffer[]): Reply {
  const keys = rest.slice(0, Number(String(count)));
  return runScript(String(source), keys, rest.slice(keys.length), ([name, ...given]) =>
    server.call(String(name).toUpperCase(), given),
  );
}

/** Of an error, its code: the words behind it differ between versions of Redis. */
function comparable(reply: Reply | Error): unknown {
  if (reply instanceof Failure || reply instanceof Error) return { error: reply.message.split(' ')[0] };
  if (reply instanceof Status) return reply.text;
  if (Buffer.isBuffer(reply)) return reply.toString('latin1');
  if (Array.isArray(reply)) return reply.map((item: Reply) => comparable(item));
  return reply;
}
