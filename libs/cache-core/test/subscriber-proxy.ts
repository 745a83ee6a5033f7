import type { TestRedis } from '@promptsales/test-kit';
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';

/** Passes everything on, until it is told to swallow what goes to connections that have subscribed. */
export class SubscriberProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #silent = false;

  static async before(redis: TestRedis): Promise<SubscriberProxy> {
    const proxy = new SubscriberProxy(redis.port);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  private constructor(port: number) {
    this.#server = createServer((near) => {
      const far = connect(port, '127.0.0.1');
      let subscribed = false;
      for (const socket of [near, far]) {
        this.#sockets.add(socket);
        socket.on('error', () => undefined);
        socket.on('close', () => {
          near.destroy();
          far.destroy();
        });
      }
      near.on('data', (data) => {
        subscribed ||= /subscribe/i.test(data.toString('latin1'));
        far.write(data);
      });
      far.on('data', (data) => {
        if (!(subscribed && this.#silent)) near.write(data);
      });
    });
  }

  get url(): string {
    return `redis://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  silenceSubscribers(): void {
    this.#silent = true;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
