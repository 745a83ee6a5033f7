import assert from 'node:assert/strict';
import { RedisUnavailableError } from '../redis/errors.js';
import type { RedisLink } from '../redis/link.js';
import { loadScript } from '../redis/script.js';
import type { ConformanceCase } from './conformance-case.js';

/** A way to a server, or to several, under test. */
export interface LinkSubject {
  /** A link that is up, to servers that hold nothing. */
  open(): Promise<RedisLink>;
}

const ECHO = loadScript(new URL('./lua/conformance-echo.lua', import.meta.url));
/** Keys of one slot, wherever there are slots. */
const key = (name: string): string => `{conformance}:${name}`;

/** What the cache protocol relies on, whatever the servers behind a link are. */
export function linkConformance(subject: LinkSubject): ConformanceCase[] {
  const conforms = (name: string, work: (link: RedisLink) => Promise<void>): ConformanceCase => ({
    name,
    run: async () => {
      const link = await subject.open();
      try {
        await work(link);
      } finally {
        await link.close();
      }
    },
  });
  return [
    conforms('reads what is there as bytes, and null for what is not or is no string', async (link) => {
      const bytes = Buffer.from([0, 0xff, 0x0d, 0x0a, 0x80]);
      await link.readAt(key('string'), (client) => client.set(key('string'), bytes, 'PX', 60_000));
      await link.readAt(key('list'), (client) => client.rpush(key('list'), 'item'));
      const values = await link.readStrings([key('list'), key('string'), key('none')]);
      assert.deepEqual(values, [null, bytes, null]);
    }),
    conforms('gives each of many callers of one turn his own values, in his order', async (link) => {
      const names = Array.from({ length: 300 }, (_, at) => `conformance:${at}`);
      await Promise.all(names.map((name) => link.readAt(name, (client) => client.set(name, name, 'PX', 60_000))));
      const read = await Promise.all(names.map((name) => link.readStrings([name])));
      assert.deepEqual(read.map(String), names);
    }),
    conforms('hands keys and bytes to a script, and its own deadline before them', async (link) => {
      const bytes = Buffer.from([0, 0xfe, 0x0a]);
      const run = link.run(ECHO, [key('counter')], [bytes, '']) as Promise<[number, string, number]>;
      const [runs, echoed, left] = await run;
      assert.equal(runs, 1);
      assert.equal(Buffer.from(echoed).length > 0, true);
      assert.ok(left > 0 && left < 60_000, `the deadline is ${left} ms away`);
    }),
    conforms('runs each script once, in the order in which they were asked for', async (link) => {
      const runs = Array.from({ length: 100 }, () => link.run(ECHO, [key('order')], ['', '']));
      const counts = (await Promise.all(runs)).map((reply) => (reply as number[])[0]);
      assert.deepEqual(
        counts,
        counts.map((_, at) => at + 1),
      );
    }),
    conforms('gives an answer that is an error to whoever asked, and stays up', async (link) => {
      await link.readAt(key('wrong'), (client) => client.rpush(key('wrong'), 'item'));
      await assert.rejects(
        link.readAt(key('wrong'), (client) => client.get(key('wrong'))),
        { name: 'ReplyError' },
      );
      await assert.rejects(
        link.run(ECHO, [key('refused')], ['', 'fail']),
        (error: unknown) => error instanceof RedisUnavailableError && error.trouble === 'refused',
      );
      assert.equal(link.up, true);
    }),
    conforms('knows the server’s clock', async (link) => {
      const askedAt = link.now(key('clock'));
      const [seconds, micros] = await link.readAt(key('clock'), (client) => client.time());
      const now = Number(seconds) * 1000 + Number(micros) / 1000;
      // However long it took to hear it.
      assert.ok(askedAt - 1000 < now && now < link.now(key('clock')) + 1000);
    }),
    conforms('visits every server that takes writes', async (link) => {
      const visited: string[] = [];
      await link.onEachNode(async (node) => void visited.push(node.runId ?? ''));
      assert.equal(new Set(visited).size >= link.nodes().length && visited.every((id) => id !== ''), true);
    }),
    conforms('refuses at once when it is closed', async (link) => {
      await link.close();
      const away = (error: unknown): boolean => error instanceof RedisUnavailableError && error.trouble === 'away';
      await assert.rejects(link.readStrings([key('closed')]), away);
      await assert.rejects(link.run(ECHO, [key('closed')], ['', '']), away);
    }),
  ];
}
