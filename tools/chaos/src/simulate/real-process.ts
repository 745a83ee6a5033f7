import { createConnection, type Socket } from 'node:net';
import { Cache, CacheAside, RedisRoles, type CacheObserver, type CacheSettings } from '@promptsales/cache-core';
import { SIMULATED_TIMES, type HouseProcess } from '@promptsales/simulator';

/** Links, cache and flights of their own, as a process of the platform has them, over sockets of their own. */
export class RealProcess implements HouseProcess {
  readonly frozen = false;
  readonly roles: RedisRoles;
  readonly cache: Cache;
  readonly aside: CacheAside;
  #dead = false;

  constructor(
    readonly name: string,
    connect: () => Socket,
    observer: CacheObserver,
    settings: Partial<CacheSettings>,
  ) {
    const { leaseMs, ...times } = SIMULATED_TIMES;
    const connector = connectorBy(connect);
    this.roles = new RedisRoles({ url: 'redis://behind-the-proxy', layout: 'single', times, connector });
    this.cache = new Cache(this.roles, { leaseMs, ...settings }, observer);
    this.roles.open();
    this.aside = new CacheAside(this.cache, this.roles);
  }

  get dead(): boolean {
    return this.#dead;
  }

  get settled(): boolean {
    return this.roles.up && this.cache.pendingInvalidations === 0;
  }

  run<T>(work: () => T): T {
    return work();
  }

  freeze(): never {
    throw notHere();
  }

  thaw(): never {
    throw notHere();
  }

  stepClock(): never {
    throw notHere();
  }

  die(): void {
    this.#dead = true;
    this.cache.close();
    void this.roles.close();
  }
}

function notHere(): Error {
  return new Error('that befalls a whole operating-system process: npm run chaos -- cache');
}

type Connector = NonNullable<ConstructorParameters<typeof RedisRoles>[0]['connector']>;

/** What ioredis asks for its sockets. */
function connectorBy(connect: () => Socket): Connector {
  class Through {
    #socket: Socket | undefined;

    check(): boolean {
      return true;
    }

    async connect(): Promise<Socket> {
      this.#socket = connect();
      return this.#socket;
    }

    disconnect(): void {
      this.#socket?.end();
    }
  }
  return Through as unknown as Connector;
}

/** To a fault proxy, whose first line on each connection says who connects where. */
export function throughProxy(proxyPort: number, name: string, port: number): () => Socket {
  return () => {
    const socket = createConnection({ host: '127.0.0.1', port: proxyPort, noDelay: true });
    socket.write(`${name} ${port}\n`);
    return socket;
  };
}
