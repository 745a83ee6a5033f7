/**
 * Connections between the simulated machines and the simulated server. Within a connection the order is kept, as TCP
 * does; across connections everything may overtake everything.
 */
import { Duplex } from 'node:stream';
import type { Peer, SimulatedRedis } from '../redis/server.js';
import type { Random } from '../time/random.js';
import type { Machine, VirtualTime } from '../time/virtual-time.js';

/** How a connection breaks. */
export type Break =
  /** What is under way to the server is lost too. */
  | 'both ways'
  /** The server still gets, and executes, what was sent; the answers are lost. */
  | 'answers only';

export interface NetworkTimes {
  readonly fastestMs: number;
  readonly slowestMs: number;
}

export class Network {
  readonly #random: Random;
  readonly #wires = new Set<Wire>();
  /** Machines that are cut off: nothing arrives, and nobody is told. */
  readonly #cutOff = new Set<Machine>();
  readonly #slow = new Map<Machine, number>();
  #ids = 0;

  constructor(
    private readonly time: VirtualTime,
    private readonly server: SimulatedRedis,
    private readonly times: NetworkTimes,
  ) {
    this.#random = time.random.fork();
  }

  connect(machine: Machine): ClientSocket {
    const wire = new Wire(++this.#ids, machine, this.time, this.server, (direction) => this.#delay(machine, direction));
    wire.silent = this.#cutOff.has(machine);
    this.#wires.add(wire);
    wire.socket.once('close', () => this.#wires.delete(wire));
    return wire.socket;
  }

  /** Breaks one connection of a machine, chosen by its age. @returns what was broken */
  break(machine: Machine, index: number, how: Break): boolean {
    const wires = this.#wiresOf(machine);
    const wire = wires[index % Math.max(1, wires.length)];
    wire?.break(how);
    return wire !== undefined;
  }

  /** From now on every message of the machine takes so much longer at most; 0: as before. */
  slow(machine: Machine, ms: number): void {
    this.#slow.set(machine, ms);
  }

  cutOff(machine: Machine): void {
    this.#cutOff.add(machine);
    for (const wire of this.#wiresOf(machine)) wire.silent = true;
  }

  /** Old connections stay dead: what was lost cannot be made up. */
  reunite(machine: Machine): void {
    this.#cutOff.delete(machine);
  }

  /** A machine has died: its connections end, what it had sent still arrives. */
  closeAll(machine: Machine): void {
    for (const wire of this.#wiresOf(machine)) wire.break('answers only');
  }

  #wiresOf(machine: Machine): Wire[] {
    return [...this.#wires].filter((wire) => wire.machine === machine);
  }

  #delay(machine: Machine, _direction: 'there' | 'back'): number {
    const { fastestMs, slowestMs } = this.times;
    // Mostly fast, now and then not.
    const usual = fastestMs + (slowestMs - fastestMs) * this.#random.next() ** 3;
    return usual + this.#random.next() * (this.#slow.get(machine) ?? 0);
  }
}

class Wire {
  readonly socket: ClientSocket;
  /** Everything sent is lost and nobody is told. */
  silent = false;
  #there = 0;
  #back = 0;
  #lost: Break | null = null;
  #outgoing: Buffer[] = [];

  constructor(
    readonly id: number,
    readonly machine: Machine,
    private readonly time: VirtualTime,
    private readonly server: SimulatedRedis,
    private readonly delay: (direction: 'there' | 'back') => number,
  ) {
    this.socket = new ClientSocket(this);
    this.#send(() => this.#arrive());
  }

  /** The client's first message has arrived, unless nobody listens. */
  #arrive(): void {
    if (!this.server.up) {
      this.#receive(() => this.socket.destroy(new Error('connect ECONNREFUSED')));
      return;
    }
    const peer: Peer = {
      id: this.id,
      send: (bytes) => this.#receive(() => this.socket.push(bytes)),
      reset: () => this.#receive(() => this.socket.destroy(new Error('read ECONNRESET'))),
    };
    // A frozen server's kernel takes connections all the same.
    this.server.accept(peer);
    this.#receive(() => this.socket.established());
  }

  write(bytes: Buffer): void {
    this.#outgoing.push(bytes);
    if (this.#outgoing.length > 1) return;
    // What is written at one moment leaves together.
    this.time.in(
      0,
      () => {
        const bytesOut = Buffer.concat(this.#outgoing);
        this.#outgoing = [];
        const sentAt = this.time.now;
        this.#send(() => this.server.receive(this.id, bytesOut, sentAt));
      },
      this.machine,
    );
  }

  end(): void {
    this.#send(() => this.server.end(this.id));
  }

  break(how: Break): void {
    if (this.#lost !== null) return;
    this.#lost = how;
    if (how === 'both ways') this.server.cut(this.id);
    else this.end();
    this.time.in(this.delay('back'), () => this.socket.destroy(new Error('read ECONNRESET')), this.machine);
  }

  #send(arrive: () => void): void {
    if (this.silent || this.#lost === 'both ways') return;
    this.#there = Math.max(this.#there, this.time.now + this.delay('there'));
    this.time.at(this.#there, () => {
      if (this.#lost !== 'both ways') arrive();
    });
  }

  #receive(arrive: () => void): void {
    if (this.silent || this.#lost !== null) return;
    this.#back = Math.max(this.#back, this.time.now + this.delay('back'));
    this.time.at(
      this.#back,
      () => {
        if (this.#lost === null && !this.silent && !this.socket.destroyed) arrive();
      },
      this.machine,
    );
  }
}

/** What ioredis takes for a socket. */
export class ClientSocket extends Duplex {
  connecting = true;
  readonly #wire: Wire;
  #idle: NodeJS.Timeout | undefined;

  constructor(wire: Wire) {
    super();
    this.#wire = wire;
  }

  established(): void {
    this.connecting = false;
    this.emit('connect');
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  /** As ioredis uses it: a bound on connecting. */
  setTimeout(ms: number, expired?: () => void): this {
    clearTimeout(this.#idle);
    if (ms > 0 && expired !== undefined) this.#idle = setTimeout(expired, ms);
    return this;
  }

  override _read(): void {}

  override _write(bytes: Buffer | string, _encoding: BufferEncoding, done: () => void): void {
    this.#wire.write(typeof bytes === 'string' ? Buffer.from(bytes) : bytes);
    done();
  }

  override _final(done: () => void): void {
    this.#wire.end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    clearTimeout(this.#idle);
    this.#wire.end();
    done(error);
  }
}
