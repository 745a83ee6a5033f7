/**
 * A network that can be broken: a TCP proxy between processes and Redis servers.
 *
 * A rule says what becomes of the connections that it matches. What a rule holds back arrives when the rule ends, in
 * order and behind nothing that was sent before it, as after a partition that TCP outlives: also the end of a connection
 * that one side has given up meanwhile.
 */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export type Trouble =
  /** Connections are reset, new ones too. */
  | { readonly kind: 'cut' }
  /** Nothing arrives, in one direction or both, until the rule ends. */
  | { readonly kind: 'hold'; readonly direction: 'to redis' | 'from redis' | 'both' }
  | { readonly kind: 'delay'; readonly ms: number };

export interface Rule {
  /** The process whose connections are meant; all when absent. */
  readonly process?: string;
  /** The Redis server's port; all when absent. */
  readonly port?: number;
  readonly trouble: Trouble;
}

/** One direction of one connection. */
export interface Lane {
  readonly direction: 'to redis' | 'from redis';
  readonly to: Socket;
  readonly held: { readonly what: Buffer | 'end'; readonly due: number }[];
  timer: NodeJS.Timeout | undefined;
}

interface Connection {
  readonly process: string;
  readonly port: number;
  readonly client: Socket;
  readonly redis: Socket;
  readonly lanes: readonly [Lane, Lane];
}

export interface ProxyCounts {
  /** Connections. */
  readonly reset: number;
  readonly refused: number;
  readonly halfClosed: number;
  /** Pieces of what goes over them. */
  readonly heldBack: number;
  readonly delayed: number;
}

export class FaultProxy {
  readonly #server: Server;
  /** Of all who came, also of those who did not say yet who they are. */
  readonly #clients = new Set<Socket>();
  readonly #connections = new Set<Connection>();
  readonly #rules = new Set<Rule>();

  /** What was done to connections and to pieces of what went over them. */
  readonly #done = { reset: 0, refused: 0, halfClosed: 0, heldBack: 0, delayed: 0 };

  private constructor(server: Server) {
    this.#server = server;
    server.on('connection', (client) => this.#greet(client));
  }

  static async start(): Promise<FaultProxy> {
    const server = createServer({ noDelay: true, allowHalfOpen: true });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new FaultProxy(server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get done(): ProxyCounts {
    return { ...this.#done };
  }

  /** Applies a rule until the function that is returned is called. */
  apply(rule: Rule): () => void {
    this.#rules.add(rule);
    if (rule.trouble.kind === 'cut') {
      const cut = this.#matching(rule);
      cut.forEach(destroy);
      this.#done.reset += cut.length;
    }
    return () => {
      this.#rules.delete(rule);
      for (const connection of this.#matching(rule)) connection.lanes.forEach((lane) => this.#drain(connection, lane));
    };
  }

  /** Ends one direction of the connections there are now; the other stays open, as after a half-close. */
  halfClose(match: Omit<Rule, 'trouble'>, direction: Lane['direction']): void {
    for (const { lanes } of this.#matching(match)) {
      lanes.find((lane) => lane.direction === direction)?.to.end();
      this.#done.halfClosed += 1;
    }
  }

  /** Resets one of the connections that match. `answers only`: what was sent still arrives. */
  break(match: Omit<Rule, 'trouble'>, which: number, how: 'both ways' | 'answers only'): void {
    const matching = this.#matching(match);
    const connection = matching[which % Math.max(1, matching.length)];
    if (connection === undefined) return;
    if (how === 'both ways') destroy(connection);
    else connection.client.resetAndDestroy();
  }

  async stop(): Promise<void> {
    for (const connection of this.#connections) destroy(connection);
    for (const client of this.#clients) client.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #matching({ process, port }: Omit<Rule, 'trouble'>): Connection[] {
    return [...this.#connections].filter(
      (one) => (process === undefined || one.process === process) && (port === undefined || one.port === port),
    );
  }

  #troubleOf(connection: Pick<Connection, 'process' | 'port'>): Trouble[] {
    return [...this.#rules]
      .filter(
        ({ process, port }) =>
          (process === undefined || connection.process === process) && (port === undefined || connection.port === port),
      )
      .map(({ trouble }) => trouble);
  }

  #greet(client: Socket): void {
    this.#clients.add(client);
    client.on('close', () => this.#clients.delete(client));
    client.on('error', () => client.destroy());
    let greeting = Buffer.alloc(0);
    const read = (chunk: Buffer): void => {
      greeting = Buffer.concat([greeting, chunk]);
      const end = greeting.indexOf('\n');
      if (end < 0) return;
      client.off('data', read);
      const [process = '', port = ''] = greeting.subarray(0, end).toString().split(' ');
      this.#join(client, process, Number(port), greeting.subarray(end + 1));
    };
    client.on('data', read);
  }

  #join(client: Socket, process: string, port: number, early: Buffer): void {
    if (this.#troubleOf({ process, port }).some(({ kind }) => kind === 'cut')) {
      client.resetAndDestroy();
      this.#done.refused += 1;
      return;
    }
    const redis = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    const lanes: readonly [Lane, Lane] = [
      { direction: 'to redis', to: redis, held: [], timer: undefined },
      { direction: 'from redis', to: client, held: [], timer: undefined },
    ];
    const connection: Connection = { process, port, client, redis, lanes };
    this.#connections.add(connection);
    const [there, back] = lanes;
    this.#pump(connection, client, there);
    this.#pump(connection, redis, back);
    if (early.length > 0) this.#pass(connection, there, early);
  }

  #pump(connection: Connection, from: Socket, lane: Lane): void {
    from.on('data', (chunk: Buffer) => this.#pass(connection, lane, chunk));
    from.on('end', () => this.#pass(connection, lane, 'end'));
    // Followed by `close`.
    from.on('error', () => {});
    from.on('close', () => {
      // What was sent before a connection broke may still be on its way.
      this.#pass(connection, lane, 'end');
      if (connection.client.destroyed && connection.redis.destroyed) this.#connections.delete(connection);
    });
  }

  #pass(connection: Connection, lane: Lane, what: Buffer | 'end'): void {
    const delay = this.#troubleOf(connection).find((trouble) => trouble.kind === 'delay');
    if (delay !== undefined) this.#done.delayed += 1;
    else if (this.#holds(connection, lane)) this.#done.heldBack += 1;
    lane.held.push({ what, due: performance.now() + (delay?.ms ?? 0) });
    this.#drain(connection, lane);
  }

  #holds(connection: Connection, { direction }: Lane): boolean {
    return this.#troubleOf(connection).some(
      (trouble) => trouble.kind === 'hold' && (trouble.direction === 'both' || trouble.direction === direction),
    );
  }

  #drain(connection: Connection, lane: Lane): void {
    clearTimeout(lane.timer);
    if (this.#holds(connection, lane)) return;
    for (let next = lane.held[0]; next !== undefined; next = lane.held[0]) {
      const wait = next.due - performance.now();
      if (wait > 0) {
        lane.timer = setTimeout(() => this.#drain(connection, lane), wait);
        return;
      }
      lane.held.shift();
      if (lane.to.destroyed || lane.to.writableEnded) continue;
      if (next.what === 'end') lane.to.end();
      else lane.to.write(next.what);
    }
  }
}

function destroy({ client, redis, lanes }: Connection): void {
  for (const { timer } of lanes) clearTimeout(timer);
  for (const socket of [client, redis]) if (!socket.destroyed) socket.resetAndDestroy();
}
