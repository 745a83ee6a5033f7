/**
 * One client's session with a server that is a process of ours: the process, and the face of streamable HTTP in front of it.
 *
 * A process talks on one channel where HTTP has many streams. What it says of its own accord goes to the stream of
 * notifications; while there is none, to the answer that is under way, and before the client has opened either it waits.
 * Progress goes with the request that asked for it. What its client does not read is bounded: see `Backlog`.
 */
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js';
import { isJSONRPCRequest, type JSONRPCMessage, type RequestId } from '@modelcontextprotocol/sdk/types.js';
import { randomUUID } from 'node:crypto';
import { Backlog, DEFAULT_BACKLOG, type BacklogBounds, type HeldStream } from './backlog.js';
import { isObject, serverMessage } from '../json-rpc/message.js';
import { ChildProcess, LARGEST_MESSAGE_BYTES, type ChildCommand } from './child-process.js';
import { UpstreamError, type UpstreamRequest, type UpstreamResponse } from './upstream.js';

/** What a process that nobody listens to may leave waiting; more is lost. */
const MOST_WAITING = 100;
const MOST_WAITING_BYTES = 1024 * 1024;

export class ChildSession {
  readonly id = randomUUID();
  /** `performance.now()` of the latest sign of the client. */
  usedAt = performance.now();
  #child: ChildProcess | undefined;
  readonly #face: WebStandardStreamableHTTPServerTransport;
  readonly #underWay = new Set<RequestId>();
  readonly #progress = new Map<unknown, RequestId>();
  readonly #waiting: JSONRPCMessage[] = [];
  #waitingBytes = 0;
  readonly #backlog: Backlog;
  readonly #ended: (session: ChildSession) => void;
  #listening = 0;
  /** Answers that somebody reads. */
  #read = 0;
  #gone: Promise<void> | undefined;
  #hasAnswered = false;

  private constructor(ended: (session: ChildSession) => void, bounds: BacklogBounds) {
    this.#ended = ended;
    const pipe = { pause: () => this.#child?.pause(), resume: () => this.#child?.resume() };
    this.#backlog = new Backlog(pipe, bounds);
    this.#face = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => this.id,
      // Ours are the limits in front of it.
      maxRequestBodySize: LARGEST_MESSAGE_BYTES,
    });
    const onclose = (): void => void this.close();
    Object.assign(this.#face, { onclose, onmessage: (message: JSONRPCMessage) => this.#fromClient(message) });
  }

  /** @throws UpstreamError when the process does not come up */
  static async start(
    command: ChildCommand,
    ended: (session: ChildSession) => void,
    bounds: BacklogBounds = DEFAULT_BACKLOG,
  ): Promise<ChildSession> {
    const session = new ChildSession(ended, bounds);
    try {
      session.#child = await ChildProcess.start(command, {
        said: (message) => session.#fromChild(message),
        ended: () => void session.close(),
      });
    } catch (error) {
      throw new UpstreamError('upstream_unreachable', 'The MCP server cannot be started.', { cause: error });
    }
    await session.#face.start();
    return session;
  }

  /** Whether somebody waits for an answer or listens. What a client has left behind unanswered does not count. */
  get busy(): boolean {
    return this.#read > 0;
  }

  get answers(): boolean {
    return this.#read > this.#listening;
  }

  /** What its client has not read yet. */
  get heldBytes(): number {
    return this.#backlog.bytes;
  }

  /** Whether the process has answered anything yet. */
  get hasAnswered(): boolean {
    return this.#hasAnswered;
  }

  async send({ method, headers, body, signal }: UpstreamRequest): Promise<UpstreamResponse> {
    this.usedAt = performance.now();
    const init: RequestInit = { method, headers: { ...headers }, signal };
    if (body !== null) init.body = new Uint8Array(body);
    const response = await this.#face.handleRequest(new Request('http://stdio.invalid/mcp', init));
    const listens = method === 'GET' && response.status === 200;
    if (listens) this.#beginListening();
    const asked = method === 'POST' && body !== null ? serverMessage(body.toString())?.['id'] : undefined;
    const left = (): void => {
      if (listens) this.#listening -= 1;
      // Whatever it still says of it, it would say to nobody.
      else this.#forget(asked);
    };
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      body: this.#bytesOf(response, !listens, signal, left),
    };
  }

  /** Resolves when nothing of its process is left. */
  close(): Promise<void> {
    if (this.#gone !== undefined) return this.#gone;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#gone = promise;
    this.#ended(this);
    this.#failUnderWay();
    void Promise.allSettled([this.#face.close(), this.#child?.close()]).then(() => resolve());
    return promise;
  }

  #fromClient(message: JSONRPCMessage): void {
    if (isJSONRPCRequest(message)) {
      this.#underWay.add(message.id);
      const token = message.params?._meta?.progressToken;
      if (token !== undefined) this.#progress.set(token, message.id);
    } else if ('method' in message && message.method === 'notifications/cancelled') {
      this.#forget(message.params?.['requestId']);
    }
    try {
      this.#child?.send(message);
    } catch {
      // Whoever waits is told so.
      void this.close();
    }
  }

  #fromChild(message: JSONRPCMessage): void {
    if ('id' in message && !('method' in message)) {
      this.#hasAnswered = true;
      this.#forget(message.id);
      this.#toClient(message);
      return;
    }
    const related = this.#relatedTo(message);
    if (related === undefined && this.#listening === 0) {
      this.#leaveWaiting(message);
      return;
    }
    this.#toClient(message, related);
  }

  #leaveWaiting(message: JSONRPCMessage): void {
    const bytes = Buffer.byteLength(JSON.stringify(message));
    if (this.#waiting.length >= MOST_WAITING || this.#waitingBytes + bytes > MOST_WAITING_BYTES) return;
    this.#waitingBytes += bytes;
    this.#waiting.push(message);
  }

  /** The request with whose answer it goes; undefined: with the notifications. */
  #relatedTo(message: JSONRPCMessage): RequestId | undefined {
    const params = 'params' in message && isObject(message.params) ? message.params : {};
    const asked = this.#progress.get(params['progressToken']);
    if (asked !== undefined && this.#underWay.has(asked)) return asked;
    return this.#listening > 0 ? undefined : [...this.#underWay].at(-1);
  }

  /** It is answered, or nobody waits for it any more. */
  #forget(id: unknown): void {
    this.#underWay.delete(id as RequestId);
    for (const [token, of] of this.#progress) if (of === id) this.#progress.delete(token);
  }

  #toClient(message: JSONRPCMessage, relatedRequestId?: RequestId): void {
    // It rejects for an answer that nobody waits for any more.
    this.#face.send(message, relatedRequestId === undefined ? {} : { relatedRequestId }).catch(() => undefined);
  }

  #beginListening(): void {
    this.#listening += 1;
    this.#waitingBytes = 0;
    for (const message of this.#waiting.splice(0)) this.#toClient(message);
  }

  /** Whoever waits for an answer is told that there will be none. */
  #failUnderWay(): void {
    for (const id of this.#underWay) {
      const error = { code: -32603, message: 'The MCP server has ended.', data: { code: 'upstream_broke_off' } };
      this.#toClient({ jsonrpc: '2.0', id, error });
    }
    this.#underWay.clear();
  }

  /** What is read of an answer counts from now on until it has ended or its reader has left, be it before he began. */
  #bytesOf({ body }: Response, answers: boolean, signal: AbortSignal, left: () => void): AsyncIterable<Buffer> {
    const reader = body?.getReader();
    if (reader === undefined) return nothing();
    this.#read += 1;
    let open = true;
    const leave = (): void => {
      if (!open) return;
      open = false;
      signal.removeEventListener('abort', leave);
      this.#read -= 1;
      left();
      held.leave();
      // It rejects where the stream has failed, which its reader is told.
      reader.cancel().catch(() => undefined);
    };
    const held = this.#backlog.open(answers, leave);
    if (signal.aborted) leave();
    else signal.addEventListener('abort', leave);
    void hold(reader, held);
    return this.#chunksOf(held, leave);
  }

  async *#chunksOf(held: HeldStream, leave: () => void): AsyncGenerator<Buffer> {
    try {
      for await (const chunk of held) {
        this.usedAt = performance.now();
        yield chunk;
      }
    } finally {
      leave();
    }
  }
}

/** The face in front of the process has no bound of its own: nothing is left lying in it. */
async function hold(reader: ReadableStreamDefaultReader<Uint8Array>, held: HeldStream): Promise<void> {
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) held.push(Buffer.from(read.value));
    held.end();
  } catch (error) {
    held.end(error as Error);
  }
}

async function* nothing(): AsyncGenerator<Buffer> {}
