/**
 * A simulated Redis: one dataset, RESP2 over simulated connections, the real scripts, and the faults of a real server.
 *
 * - frozen (SIGSTOP): nothing is read; what lies in its sockets, also of connections that clients have long given up, is
 *   executed at the thaw
 * - restarted: all connections break, scripts are unknown, the run id is new; with loss, it is the dataset of a moment ago
 *   (a power cut between two fsyncs, or a failover to a replica that lagged), perhaps with another clock
 * - evicting, out of memory
 *
 * It works in turns, as a real one does: see `#turn`.
 */
import { createHash } from 'node:crypto';
import { loadedScripts } from '@promptsales/cache-core';
import RedisParser from 'redis-parser';
import type { Random } from '../time/random.js';
import type { VirtualTime } from '../time/virtual-time.js';
import { bytesOf, findCommand, type CommandContext } from './commands.js';
import { Dataset, type Bytes, type Change } from './dataset.js';
import { runScript } from './lua.js';
import { Failure, OK, encodeReply, type Reply } from './reply.js';

/** The server's end of a connection. */
export interface Peer {
  readonly id: number;
  /** Sends to the client. */
  send(bytes: Buffer): void;
  /** The server closes the connection. */
  reset(): void;
}

interface Session {
  readonly peer: Peer;
  readonly parser: RedisParser;
  readonly channels: Set<Bytes>;
  /** Of what changes it is told (CLIENT TRACKING … BCAST), and on which connection; null: of nothing. */
  tracking: { readonly prefixes: readonly Bytes[]; readonly redirect: number } | null;
  /** What is to be sent when the turn ends. */
  out: Buffer[];
  /** Bytes that arrived and have not been read. */
  unread: { readonly bytes: Buffer; readonly sentAt: number }[];
  /** The client has closed its end: to be noticed after what it sent before. */
  ended: boolean;
}

/** What the server did, for whoever checks it. */
export interface ServerObserver {
  key?: Change;
  /** A script has run. `ageMs`: how long ago the client sent it. */
  script?(name: string, keys: readonly Bytes[], args: readonly Buffer[], reply: Reply, ageMs: number): void;
}

export class SimulatedRedis {
  readonly data: Dataset;
  /** How far the server's clock is off. */
  skewMs = 0;
  outOfMemory = false;
  readonly #random: Random;
  readonly #sessions = new Map<number, Session>();
  readonly #scripts = new Map<string, string>();
  readonly #changed = new Set<Bytes>();
  #turnComes = false;
  #sentAt = 0;
  #running: { readonly name: string; readonly args: readonly Buffer[] } | null = null;
  #runId = 0;
  #startedAt = 0;
  /** How many keys it began with. */
  #loaded = 0;
  #up = true;
  #frozen = false;

  constructor(
    private readonly time: VirtualTime,
    private readonly observer: ServerObserver = {},
  ) {
    this.#random = time.random.fork();
    const changed: Change = (key, ...change) => {
      this.#changed.add(key);
      observer.key?.(key, ...change);
    };
    this.data = new Dataset(
      () => time.now,
      () => this.now(),
      changed,
    );
  }

  get up(): boolean {
    return this.#up;
  }

  /** The script that is running. */
  get running(): { readonly name: string; readonly args: readonly Buffer[] } | null {
    return this.#running;
  }

  get frozen(): boolean {
    return this.#frozen;
  }

  /** Milliseconds since the epoch by the server's clock. */
  now(): number {
    return this.time.epoch + this.time.now + this.skewMs;
  }

  accept(peer: Peer): void {
    const session: Session = {
      peer,
      channels: new Set(),
      tracking: null,
      out: [],
      unread: [],
      ended: false,
      parser: new RedisParser({
        returnBuffers: true,
        returnReply: (request) => session.out.push(encodeReply(this.#execute(session, request))),
        returnError: (error) => {
          throw error;
        },
      }),
    };
    this.#sessions.set(peer.id, session);
  }

  receive(id: number, bytes: Buffer, sentAt: number): void {
    const session = this.#sessions.get(id);
    if (session === undefined) return;
    session.unread.push({ bytes, sentAt });
    this.#wake();
  }

  /** The client has closed its end. */
  end(id: number): void {
    const session = this.#sessions.get(id);
    if (session === undefined) return;
    session.ended = true;
    this.#wake();
  }

  /** The connection is gone, with what it had sent and nobody has read. */
  cut(id: number): void {
    this.#sessions.delete(id);
  }

  freeze(): void {
    this.#frozen = true;
  }

  thaw(): void {
    if (!this.#frozen) return;
    this.#frozen = false;
    this.#wake();
  }

  /** @param forgetMs how much of the past is lost: everything since that many milliseconds ago */
  stop(forgetMs: number): number {
    this.#up = false;
    this.#frozen = false;
    const sessions = [...this.#sessions.values()];
    this.#sessions.clear();
    this.#scripts.clear();
    for (const { peer } of sessions) peer.reset();
    return forgetMs > 0 ? this.data.forgetSince(this.time.now - forgetMs) : 0;
  }

  start(): void {
    this.#up = true;
    this.#runId += 1;
    this.#startedAt = this.time.now;
    this.#loaded = this.data.keys().length;
  }

  evict(key: Bytes): boolean {
    this.#wake();
    return this.data.delete(key, 'evicted');
  }

  /** A command of somebody who is not simulated. */
  callFromOutside(name: string, ...args: readonly string[]): Reply {
    this.#wake();
    return this.call(
      name,
      args.map((argument) => Buffer.from(argument)),
    );
  }

  #wake(): void {
    if (this.#turnComes || this.#frozen || !this.#up) return;
    this.#turnComes = true;
    this.time.in(this.#random.between(0, LONGEST_TURN_MS), () => this.#turn());
  }

  /**
   * One turn of the event loop: all sockets are read, in any order; at the end come the messages to those who track what
   * has changed, behind the answers of the turn; then everything is sent.
   */
  #turn(): void {
    this.#turnComes = false;
    if (this.#frozen || !this.#up) return;
    const sessions = [...this.#sessions.values()];
    for (const session of this.#random.shuffled(sessions)) this.#read(session);
    this.#tellTrackers(sessions);
    for (const { out, peer } of sessions) if (out.length > 0) peer.send(Buffer.concat(out.splice(0)));
  }

  #tellTrackers(sessions: readonly Session[]): void {
    const changed = [...this.#changed];
    this.#changed.clear();
    if (changed.length === 0) return;
    for (const { tracking } of sessions) {
      if (tracking === null) continue;
      for (const prefix of tracking.prefixes) {
        const keys = changed.filter((key) => key.startsWith(prefix)).map((key) => Buffer.from(key, 'latin1'));
        const message: Reply = [Buffer.from('message'), TRACKING_CHANNEL, keys];
        if (keys.length > 0) this.#sessions.get(tracking.redirect)?.out.push(encodeReply(message));
      }
    }
  }

  #read(session: Session): void {
    const unread = session.unread;
    session.unread = [];
    for (const { bytes, sentAt } of unread) {
      this.#sentAt = sentAt;
      session.parser.execute(bytes);
    }
    if (session.ended) this.#sessions.delete(session.peer.id);
  }

  #execute(session: Session, [name, ...args]: readonly Buffer[]): Reply {
    const command = String(name).toUpperCase();
    switch (command) {
      case 'SUBSCRIBE':
        return this.#subscribe(session, args);
      case 'UNSUBSCRIBE':
        return this.#unsubscribe(session, args);
      case 'CLIENT':
        return this.#client(session, String(args[0]).toUpperCase(), args.slice(1));
      case 'PING':
        return session.channels.size > 0 ? [Buffer.from('pong'), Buffer.alloc(0)] : this.call(command, args);
      case 'INFO':
        return Buffer.from(this.#info());
      case 'EVAL':
        return this.#eval(String(args[0]), args.slice(1));
      case 'EVALSHA': {
        const source = this.#scripts.get(String(args[0]));
        return source === undefined
          ? new Failure('NOSCRIPT No matching script. Please use EVAL.')
          : this.#eval(source, args.slice(1));
      }
      default:
        return this.call(command, args);
    }
  }

  #info(): string {
    const keys = this.data.keys().length;
    return [
      'redis_mode:standalone',
      `run_id:run${this.#runId}`,
      `uptime_in_seconds:${Math.floor((this.time.now - this.#startedAt) / 1000)}`,
      'loading:0',
      'aof_enabled:0',
      `rdb_last_load_keys_loaded:${this.#loaded}`,
      ...(keys > 0 ? [`db0:keys=${keys}`] : []),
      '',
    ].join('\r\n');
  }

  #client(session: Session, what: string, args: readonly Buffer[]): Reply {
    if (what === 'ID') return session.peer.id;
    if (what === 'TRACKING') {
      const words = args.map(String);
      const prefixes = words.flatMap((word, at) => (word === 'PREFIX' ? [bytesOf(args[at + 1])] : []));
      session.tracking = { prefixes, redirect: Number(words[words.indexOf('REDIRECT') + 1]) };
    }
    return OK;
  }

  /** One command of the dataset, by whomever. */
  call(name: string, args: readonly Buffer[]): Reply {
    const command = findCommand(name);
    if (command === undefined) return new Failure(`ERR unknown command '${name.toLowerCase()}'`);
    if (this.outOfMemory && command.denyOom) {
      return new Failure("OOM command not allowed when used memory > 'maxmemory'.");
    }
    return command.run(args, this.#context());
  }

  #context(): CommandContext {
    return {
      data: this.data,
      now: this.now(),
      publish: (channel, message) => this.#publish(channel, message),
    };
  }

  #eval(source: string, [count, ...rest]: readonly Buffer[]): Reply {
    this.#scripts.set(shaOf(source), source);
    const keys = rest.slice(0, Number(String(count)));
    const args = rest.slice(keys.length);
    const name = nameOf(source);
    this.#running = { name, args };
    const reply = runScript(source, keys, args, ([command, ...given]) =>
      this.call(String(command).toUpperCase(), given),
    );
    this.#running = null;
    this.observer.script?.(name, keys.map(bytesOf), args, reply, this.time.now - this.#sentAt);
    return reply;
  }

  #subscribe(session: Session, channels: readonly Buffer[]): Reply {
    // Each channel is answered by itself.
    const replies = channels.map((channel): Reply => {
      session.channels.add(bytesOf(channel));
      return [Buffer.from('subscribe'), channel, session.channels.size];
    });
    for (const reply of replies.slice(0, -1)) session.out.push(encodeReply(reply));
    return replies.at(-1) ?? new Failure("ERR wrong number of arguments for 'subscribe' command");
  }

  #unsubscribe(session: Session, channels: readonly Buffer[]): Reply {
    const replies = channels.map((channel): Reply => {
      session.channels.delete(bytesOf(channel));
      return [Buffer.from('unsubscribe'), channel, session.channels.size];
    });
    for (const reply of replies.slice(0, -1)) session.out.push(encodeReply(reply));
    return replies.at(-1) ?? [Buffer.from('unsubscribe'), null, 0];
  }

  #publish(channel: Bytes, message: Buffer): number {
    let heard = 0;
    const reply = encodeReply([Buffer.from('message'), Buffer.from(channel, 'latin1'), message]);
    for (const { channels, out } of this.#sessions.values()) {
      if (!channels.has(channel)) continue;
      heard += 1;
      out.push(reply);
    }
    return heard;
  }
}

const TRACKING_CHANNEL = Buffer.from('__redis__:invalidate');
const LONGEST_TURN_MS = 0.3;

const shas = new Map<string, string>();

function shaOf(source: string): string {
  let sha = shas.get(source);
  if (sha === undefined) shas.set(source, (sha = createHash('sha1').update(source).digest('hex')));
  return sha;
}

const names = new Map<string, string>();

function nameOf(source: string): string {
  if (names.size === 0) for (const { name, lua } of loadedScripts()) names.set(lua, name);
  return names.get(source) ?? 'a script';
}
