/** The network of the chaos suite on real sockets: what it does to a connection is what it says. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { FaultProxy, type Rule } from '../src/cache/fault-proxy.js';

describe('the fault proxy', () => {
  let proxy: FaultProxy;
  let server: Server;
  let accepted: Socket[];
  let received: string[];
  const clients: Socket[] = [];

  beforeEach(async () => {
    accepted = [];
    received = [];
    server = createServer({ allowHalfOpen: true }, (socket) => {
      accepted.push(socket);
      socket.on('error', () => {});
      socket.on('data', (data) => {
        received.push(String(data));
        socket.write(`re: ${String(data)}`);
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    proxy = await FaultProxy.start();
  });

  afterEach(async () => {
    for (const socket of [...clients.splice(0), ...accepted]) socket.destroy();
    await proxy.stop();
    server.close();
  });

  const port = (): number => (server.address() as AddressInfo).port;

  const join = async (process: string): Promise<{ socket: Socket; ask: (text: string) => Promise<string> }> => {
    const socket = connect(proxy.port, '127.0.0.1');
    clients.push(socket);
    socket.on('error', () => {});
    socket.write(`${process} ${port()}\n`);
    const ask = async (text: string): Promise<string> => {
      const answered = once(socket, 'data');
      socket.write(text);
      return String((await answered)[0]);
    };
    expect(await ask('hello')).toBe('re: hello');
    return { socket, ask };
  };

  /** Also of one that is reset. */
  const closed = (socket: Socket): Promise<void> => new Promise((resolve) => socket.once('close', () => resolve()));

  /** Resolves once it is so; the test's own time-out ends it otherwise. */
  const comesTrue = async (so: () => boolean): Promise<void> => {
    while (!so()) await new Promise(setImmediate);
  };

  test('cuts the connections that a rule names, old and new, and no others', async () => {
    const [one, other] = [await join('p1'), await join('p2')];
    const gone = closed(one.socket);
    const end = proxy.apply({ process: 'p1', trouble: { kind: 'cut' } });
    await gone;
    expect(await other.ask('still')).toBe('re: still');
    const again = connect(proxy.port, '127.0.0.1');
    clients.push(again);
    again.on('error', () => {});
    again.write(`p1 ${port()}\n`);
    await closed(again);
    end();
    await join('p1');
  });

  test.each<[string, Rule['trouble'], number]>([
    ['to redis', { kind: 'hold', direction: 'to redis' }, 1],
    ['from redis', { kind: 'hold', direction: 'from redis' }, 2],
  ])(
    'keeps what goes %s until the rule ends, and lets the other direction pass',
    async (_name, trouble, arrivesAtOnce) => {
      const { socket } = await join('p1');
      const seen: string[] = [];
      socket.on('data', (data) => seen.push(String(data)));
      const end = proxy.apply({ trouble });
      socket.write('held');
      accepted[0]?.write('news ');
      await comesTrue(() => (arrivesAtOnce === 2 ? received.length === 2 : seen.length === 1));
      expect([received.length, seen.length]).toEqual(arrivesAtOnce === 2 ? [2, 0] : [1, 1]);
      end();
      await comesTrue(() => received.length === 2 && seen.join('').includes('re: held'));
    },
  );

  test('hands on late what was sent by one who has left since, and then his leaving', async () => {
    const { socket } = await join('p1');
    const end = proxy.apply({ trouble: { kind: 'hold', direction: 'both' } });
    socket.write('last words');
    socket.end();
    socket.destroy();
    await closed(socket);
    expect(received).toEqual(['hello']);
    const left = once(accepted[0] as Socket, 'end');
    end();
    await left;
    expect(received).toEqual(['hello', 'last words']);
  });

  test('ends one direction and leaves the other open', async () => {
    const { socket } = await join('p1');
    const ended = once(accepted[0] as Socket, 'end');
    proxy.halfClose({ process: 'p1' }, 'to redis');
    await ended;
    const told = once(socket, 'data');
    accepted[0]?.write('still here');
    expect(String((await told)[0])).toBe('still here');
  });

  test('stops though somebody left before he said who he is', async () => {
    const silent = connect(proxy.port, '127.0.0.1');
    clients.push(silent);
    await once(silent, 'connect');
    silent.end('p1');
    await expect(proxy.stop()).resolves.toBeUndefined();
    proxy = await FaultProxy.start();
  });

  test('delays in order', async () => {
    const { ask } = await join('p1');
    proxy.apply({ trouble: { kind: 'delay', ms: 30 } });
    const began = performance.now();
    expect(await ask('slow')).toBe('re: slow');
    expect(performance.now() - began).toBeGreaterThan(55);
  });
});
