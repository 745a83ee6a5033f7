/**
 * What bodies say that are asked again and again, so that a hit need not read one anew: reading and keying it would take
 * as long as all else that is ours in a hit from memory.
 *
 * A body is known by its bytes alone, and what is known of it follows from them alone; for whom it is asked and where it
 * goes is part of what is looked for under it. So nothing here can grow old, and forgetting is always right.
 */
import type { ParsedBody } from '@promptsales/cache-core';
import type { Protocol, RequestFacts } from '../protocol/protocol.js';
import { type AnswerIdentity, identify, type IdentityParts } from './answer-identity.js';
import { readBody } from './request-body.js';

/** Of a string up to this length V8 hashes the characters, of a longer one the length alone, so that all would collide. */
const LONGEST_BODY_BYTES = 16_383;
/** Of bodies, in each of the two generations; what they say takes about five times as much. */
const GENERATION_BYTES = 2 * 1024 * 1024;
/** Callers, namespaces and providers under which one body is known. */
const MOST_IDENTITIES = 64;

export interface RequestReader {
  /** @throws LlmError for a body that cannot be read, or that no provider of this protocol could answer */
  read(protocol: Protocol, bytes: Buffer): ReadRequest;
}

/** Reads each body anew. */
export const NOTHING_KNOWN: RequestReader = Object.freeze({ read: readRequest });

export class KnownRequests implements RequestReader {
  /** What is asked while the younger generation fills up survives the older one. */
  #young = new Map<string, ReadRequest>();
  #old = new Map<string, ReadRequest>();
  #youngBytes = 0;
  #oldBytes = 0;

  /** Of the bodies that are known now. */
  get bytes(): number {
    return this.#youngBytes + this.#oldBytes;
  }

  read(protocol: Protocol, bytes: Buffer): ReadRequest {
    if (bytes.length > LONGEST_BODY_BYTES) return readRequest(protocol, bytes);
    const name = nameOf(protocol, bytes);
    const known = this.#young.get(name);
    if (known !== undefined) return known;
    const older = this.#old.get(name);
    if (older === undefined) return readRequest(protocol, bytes);
    this.#add(name, older);
    return older;
  }

  /** To be called for what was answered from memory: a body that comes once is not worth its room. */
  remember({ known, protocol, body: { bytes } }: ReadRequest): void {
    if (known || bytes.length > LONGEST_BODY_BYTES) return;
    const name = nameOf(protocol, bytes);
    if (this.#young.has(name)) return;
    // Read anew from a copy: the request's own bytes may be a small part of memory that they share with others.
    const kept = readRequest(protocol, Buffer.from(new Uint8Array(bytes).buffer));
    kept.known = true;
    this.#add(name, kept);
  }

  #add(name: string, request: ReadRequest): void {
    if (this.#youngBytes >= GENERATION_BYTES) {
      this.#old = this.#young;
      this.#oldBytes = this.#youngBytes;
      this.#young = new Map();
      this.#youngBytes = 0;
    }
    this.#young.set(name, request);
    this.#youngBytes += name.length;
  }
}

/** The same bytes may be read by several protocols. */
function nameOf(protocol: Protocol, bytes: Buffer): string {
  return `${protocol.id} ${bytes.toString('latin1')}`;
}

function readRequest(protocol: Protocol, bytes: Buffer): ReadRequest {
  const body = readBody(bytes);
  return new ReadRequest(protocol, body, protocol.readRequest(body.value));
}

/** For whom a body is asked and where it goes: all of its identity that is not in the body. */
export type IdentityContext = Omit<IdentityParts, 'protocol' | 'body'>;

/** A body and what it says. Shared by all who send the same: not to be changed. */
export class ReadRequest {
  /** Whether it is remembered, so that its identities are worth remembering too. */
  known = false;
  readonly protocol: Protocol;
  readonly body: ParsedBody;
  readonly facts: RequestFacts;
  readonly #identities = new Map<string, AnswerIdentity>();

  constructor(protocol: Protocol, body: ParsedBody, facts: RequestFacts) {
    this.protocol = protocol;
    this.body = body;
    this.facts = facts;
  }

  /** How many of its identities are remembered. */
  get identities(): number {
    return this.#identities.size;
  }

  identity(context: IdentityContext): AnswerIdentity {
    if (!this.known) return this.#identify(context);
    const name = nameOfContext(context);
    let identity = this.#identities.get(name);
    if (identity === undefined) {
      identity = this.#identify(context);
      if (this.#identities.size >= MOST_IDENTITIES) this.#identities.clear();
      this.#identities.set(name, identity);
    }
    return identity;
  }

  #identify(context: IdentityContext): AnswerIdentity {
    return identify({ ...context, protocol: this.protocol, body: this.body });
  }
}

/** Each part behind its length, so that none can run into the next. */
function nameOfContext({ share, tenant, keyId, namespace, baseUrl, headers }: IdentityContext): string {
  let name = `${share} ${tenant.length}:${tenant} ${keyId.length}:${keyId} ${namespace.length}:${namespace} ${baseUrl.length}:${baseUrl}`;
  for (const header in headers) {
    const value = headers[header] ?? '';
    name += ` ${header}:${value.length}:${value}`;
  }
  return name;
}
