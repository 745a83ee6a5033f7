import { Cache, CacheAside, RedisRoles, type CacheObserver, type CacheSettings } from '@promptsales/cache-core';
import type { ClientSocket, Network } from '../network/network.js';
import type { HouseProcess } from '../scenario/house.js';
import { Machine, type VirtualTime } from '../time/virtual-time.js';

/** Short times, so that much happens in a simulated second; in proportion as the product's own. */
export const SIMULATED_TIMES = {
  commandTimeoutMs: 200,
  connectTimeoutMs: 400,
  heartbeatMs: 250,
  holdAfterRestartMs: 600,
  leaseMs: 1500,
} as const;

/** The process's own memory, at the same pace. */
export const SIMULATED_L1 = { maxBytes: 1_000_000, boundMs: 400, beatMs: 80, retryRefusedMs: 1000 } as const;

/** One process of the platform: its own links, cache and flights, on its own machine. */
export class SimulatedProcess implements HouseProcess {
  readonly machine: Machine;
  readonly roles: RedisRoles;
  readonly cache: Cache;
  readonly aside: CacheAside;

  constructor(
    name: string,
    time: VirtualTime,
    private readonly network: Network,
    observer: CacheObserver,
    settings: Partial<CacheSettings>,
  ) {
    const machine = new Machine(name, time);
    this.machine = machine;
    const { leaseMs, ...times } = SIMULATED_TIMES;
    const connector = connectorTo(() => network.connect(machine));
    [this.roles, this.cache, this.aside] = machine.run(() => {
      const roles = new RedisRoles({ url: 'redis://simulated', layout: 'single', times, connector });
      const cache = new Cache(roles, { leaseMs, random: () => Math.random(), ...settings }, observer);
      roles.open();
      return [roles, cache, new CacheAside(cache, roles)] as const;
    });
  }

  get name(): string {
    return this.machine.name;
  }

  get settled(): boolean {
    return this.roles.up && this.cache.pendingInvalidations === 0;
  }

  get dead(): boolean {
    return this.machine.dead;
  }

  get frozen(): boolean {
    return this.machine.frozen;
  }

  run<T>(work: () => T): T {
    return this.machine.run(work);
  }

  freeze(): void {
    this.machine.freeze();
  }

  thaw(): void {
    this.machine.thaw();
  }

  stepClock(ms: number): void {
    this.machine.skewMs += ms;
  }

  die(): void {
    this.network.closeAll(this.machine);
    this.machine.die();
  }
}

type Connector = NonNullable<ConstructorParameters<typeof RedisRoles>[0]['connector']>;

/** ioredis's own way of ending a connection is kept: end, then destroy. */
function connectorTo(connect: () => ClientSocket): Connector {
  class SimulatedConnector {
    #socket: ClientSocket | undefined;
    #connecting = false;

    check(): boolean {
      return true;
    }

    async connect(): Promise<ClientSocket> {
      this.#connecting = true;
      await Promise.resolve();
      if (!this.#connecting) throw new Error('Connection is closed.');
      this.#socket = connect();
      return this.#socket;
    }

    disconnect(): void {
      this.#connecting = false;
      const socket = this.#socket;
      if (socket === undefined) return;
      const timer = setTimeout(() => socket.destroy(), 0);
      socket.once('close', () => clearTimeout(timer));
      socket.end();
    }
  }
  return SimulatedConnector as unknown as Connector;
}
