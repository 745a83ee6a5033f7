/**
 * One HTTP call to a service. Bodies stream both ways at the pace of whoever reads them, redirects are handed on, and nothing is
 * unpacked or changed. It has deadlines: to connect, to send, until the header of the answer, for each silence in its body, and for
 * a body that trickles.
 */
import { isPrivateHost, PrivateAddressError, publicLookup } from '@promptsales/http-edge';
import http, { type ClientRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import https from 'node:https';
import type { Readable } from 'node:stream';
import { CallError } from '../call-error.js';
import { Fields, isPlainlyFramed } from '../rules/fields.js';
import type { Service } from '../services/service.js';
import { CallDeadline, late } from './call-deadline.js';
import { Pace } from './pace.js';

export interface UpstreamSettings {
  readonly connectTimeoutMs: number;
  /** Until the header of the answer, from when the request was sent; and of what a body may take that trickles. */
  readonly headerTimeoutMs: number;
  /** Silence inside a body. */
  readonly idleTimeoutMs: number;
}

export const DEFAULT_UPSTREAM: UpstreamSettings = Object.freeze({
  connectTimeoutMs: 10_000,
  headerTimeoutMs: 600_000,
  idleTimeoutMs: 120_000,
});

export interface UpstreamCall {
  readonly service: Service;
  readonly method: string;
  /** As it stands in the request line. */
  readonly target: string;
  readonly fields: Fields;
  /** Null: none. */
  readonly body: Readable | Buffer | null;
  readonly signal: AbortSignal;
  /** Aborted when nobody waits for the answer any more: what has not been sent yet is not sent. By default `signal`. */
  readonly unwanted?: AbortSignal;
  /** Told of 103 and the like. */
  readonly informed?: (status: number, fields: Fields) => void;
}

/** Throws `CallError` when the answer breaks off or falls silent. Whoever does not read it to its end has to `return` it. */
export interface Bytes extends AsyncIterableIterator<Buffer, void> {
  return(): Promise<IteratorResult<Buffer, void>>;
}

export interface UpstreamAnswer {
  readonly status: number;
  readonly reason: string;
  readonly fields: Fields;
  readonly bytes: Bytes;
  /** Known when the body has ended. */
  readonly trailers: () => readonly string[];
}

/** Longer headers than any service of good will sends. */
const MOST_HEADER_BYTES = 64 * 1024;
const MOST_IDLE_SOCKETS = 64;
/** RFC 9110 §15.1: nobody reads it, and with other characters nobody may send it on. */
const PHRASE = /^[\t\x20-\x7e\x80-\xff]*$/;

export class UpstreamClient {
  readonly #settings: UpstreamSettings;
  readonly #agents = new Map<string, http.Agent>();
  #closed = false;

  constructor(settings: Partial<UpstreamSettings> = {}) {
    this.#settings = Object.freeze({ ...DEFAULT_UPSTREAM, ...settings });
  }

  /** @throws CallError */
  call(call: UpstreamCall): Promise<UpstreamAnswer> {
    if (this.#closed)
      throw new CallError('shutting_down', 'This server is stopping. Ask again.', { retryAfterSeconds: 1 });
    return new Promise((resolve, reject) => {
      const request = this.#begin(call);
      const streamed = call.body === null || Buffer.isBuffer(call.body) ? null : call.body;
      const deadline = new CallDeadline(request, streamed, this.#settings);
      const fail = (error: Error): void => {
        deadline.end();
        reject(call.signal.aborted ? (call.signal.reason as Error) : explained(error, call.service));
      };
      request.on('error', fail);
      request.on('information', ({ statusCode, rawHeaders }) => call.informed?.(statusCode, Fields.ofRaw(rawHeaders)));
      request.on('response', (response) => {
        request.off('error', fail);
        // What comes after is told by the body.
        request.on('error', ignoredBesideTheBody);
        if (streamed !== null) response.once('close', () => stopSending(request, streamed));
        deadline.end();
        const { statusCode = 0, statusMessage = '' } = response;
        const fields = Fields.ofRaw(response.rawHeaders);
        const unusable =
          statusCode < 200 ? 'Its status is none.' : isPlainlyFramed(fields) ? null : 'Its framing is not known.';
        if (unusable !== null) {
          request.destroy();
          fail(new Error(unusable));
          return;
        }
        resolve({
          status: statusCode,
          reason: PHRASE.test(statusMessage) ? statusMessage : '',
          fields,
          bytes: new AnswerBytes(response, paceOf(fields, this.#settings), this.#settings, call.service),
          trailers: () => response.rawTrailers,
        });
      });
      request.on('upgrade', (_response, socket) => {
        socket.destroy();
        fail(new Error('It changed the protocol.'));
      });
      send(request, call.body, fail);
    });
  }

  close(): void {
    this.#closed = true;
    for (const agent of this.#agents.values()) agent.destroy();
    this.#agents.clear();
  }

  #begin({ service, method, target, fields, signal }: UpstreamCall): ClientRequest {
    const { baseUrl } = service;
    const options: RequestOptions = {
      protocol: baseUrl.protocol,
      hostname: baseUrl.hostname.replace(/^\[|\]$/g, ''),
      port: baseUrl.port === '' ? (baseUrl.protocol === 'https:' ? 443 : 80) : Number(baseUrl.port),
      method,
      path: target,
      headers: fields.raw(),
      setDefaultHeaders: false,
      setHost: false,
      agent: this.#agent(service),
      signal,
      maxHeaderSize: MOST_HEADER_BYTES,
      insecureHTTPParser: false,
    };
    return (baseUrl.protocol === 'https:' ? https : http).request(options);
  }

  #agent({ baseUrl, privateAddresses }: Service): http.Agent {
    const guarded = !privateAddresses && !isPrivateHost(baseUrl.hostname);
    const name = `${baseUrl.protocol} ${guarded ? 'public' : 'any'}`;
    let agent = this.#agents.get(name);
    if (agent === undefined) {
      const options = {
        keepAlive: true,
        // A socket that the other side has just closed costs a request.
        timeout: 60_000,
        maxFreeSockets: MOST_IDLE_SOCKETS,
        ...(guarded ? { lookup: publicLookup() } : {}),
      };
      agent = baseUrl.protocol === 'https:' ? new https.Agent(options) : new http.Agent(options);
      this.#agents.set(name, agent);
    }
    return agent;
  }
}

function send(request: ClientRequest, body: Readable | Buffer | null, fail: (error: Error) => void): void {
  if (body === null || Buffer.isBuffer(body)) {
    request.end(body ?? undefined);
    return;
  }
  body.on('error', (error) => {
    request.destroy(error);
    fail(error);
  });
  body.pipe(request);
}

/** The service has said all without hearing the end: what is still to come is nobody's, and takes up no connection to it. */
function stopSending(request: ClientRequest, body: Readable): void {
  if (request.writableEnded) return;
  body.unpipe(request);
  body.resume();
  request.destroy();
}

const EVENTS = /^\s*text\/event-stream\s*(?:;|$)/i;

/** Events come when something happens, and there is no end to them: only their silence is bounded. */
function paceOf(fields: Fields, { headerTimeoutMs }: UpstreamSettings): Pace {
  return new Pace(EVENTS.test(fields.joined('content-type') ?? '') ? Number.POSITIVE_INFINITY : headerTimeoutMs);
}

class AnswerBytes implements Bytes {
  readonly #response: IncomingMessage;
  readonly #idleMs: number;
  readonly #pace: Pace;
  readonly #service: Service;
  readonly #chunks: AsyncIterator<Buffer>;

  constructor(response: IncomingMessage, pace: Pace, { idleTimeoutMs }: UpstreamSettings, service: Service) {
    this.#response = response;
    this.#idleMs = idleTimeoutMs;
    this.#pace = pace;
    this.#service = service;
    this.#chunks = response[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    // Read or not, it must not bring the process down.
    response.on('error', ignoredBesideTheBody);
  }

  /** Only while the service is waited for does its silence count, not how slowly it is read. */
  async next(): Promise<IteratorResult<Buffer, void>> {
    const { leftMs } = this.#pace;
    const began = performance.now();
    const what = leftMs < this.#idleMs ? 'answered too slowly' : 'fell silent';
    const timer = setTimeout(() => this.#response.destroy(late(what)), Math.min(leftMs, this.#idleMs));
    try {
      const next = (await this.#chunks.next()) as IteratorResult<Buffer, void>;
      this.#pace.waited(performance.now() - began, next.done === true ? 0 : next.value.length);
      return next;
    } catch (error) {
      throw explained(error as Error, this.#service);
    } finally {
      clearTimeout(timer);
    }
  }

  async return(): Promise<IteratorResult<Buffer, void>> {
    this.#response.destroy();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

/** Of an answer without a body: to its end, so that the connection can be used again. */
export async function spent(bytes: Bytes): Promise<void> {
  try {
    for (let next = await bytes.next(); next.done !== true;) next = await bytes.next();
  } catch {
    // It broke off where nothing was to come: whoever guards the service has counted it.
  }
}

function explained(error: Error, { name }: Service): Error {
  if (error instanceof CallError) return error;
  if (error instanceof PrivateAddressError) return new CallError('bad_gateway', error.message, { cause: error });
  const code = String(Reflect.get(error, 'code') ?? 'error');
  return new CallError('bad_gateway', `The service ${name} gave no usable answer (${code}).`, { cause: error });
}

function ignoredBesideTheBody(): void {}
