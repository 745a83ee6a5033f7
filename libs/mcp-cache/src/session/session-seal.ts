/**
 * What the gateway has to know of a session on each of its requests travels with the client: the id that it is given holds
 * the server's own id and what was agreed when the session began, encrypted and bound to the principal and to the server as it is
 * configured. So any process serves any session, nothing has to be looked up, nobody can use a session of somebody else, and
 * no server hears of a session with another.
 */
import { CodecError, decode, encode, type Keyring } from '@promptsales/cache-core';
import { randomBytes } from 'node:crypto';
import type { ListKind } from '../caching/cacheable.js';

export interface Session {
  /** Names it among all sessions. */
  readonly id: string;
  /** The server's own id; null where it has none. */
  readonly upstreamId: string | null;
  readonly protocolVersion: string;
  /** Hash of what the client said it can do: a server's lists may depend on it. */
  readonly capabilities: string;
  /** The lists of which the server said that it tells when they change. */
  readonly told: readonly ListKind[];
}

export interface SessionOwner {
  readonly tenant: string;
  readonly keyId: string;
  /** Its identity: another one when it is reached otherwise. */
  readonly server: string;
}

/** Longer headers than this reach nobody; some servers write a session of their own into its id. */
const LONGEST_TOKEN = 16_384;
/** Of the tag of encrypted values, whose four bytes they show whole. */
const LEAD_CHARACTERS = 6;

export class SessionSeal {
  readonly #keyring: Keyring;
  /** How everything begins that is encrypted: what begins otherwise would be read as it stands. */
  readonly #lead: string;

  constructor(keyring: Keyring) {
    this.#keyring = keyring;
    this.#lead = encode(Buffer.of(), { keyring }).toString('base64url').slice(0, LEAD_CHARACTERS);
  }

  static newId(): string {
    return randomBytes(16).toString('hex');
  }

  seal({ id, upstreamId, protocolVersion, capabilities, told }: Session, owner: SessionOwner): string {
    const text = JSON.stringify([id, upstreamId, protocolVersion, capabilities, told]);
    return encode(Buffer.from(text), { keyring: this.#keyring, aad: boundTo(owner) }).toString('base64url');
  }

  /** Null for what is no session of this owner. */
  open(token: string, owner: SessionOwner): Session | null {
    if (token.length > LONGEST_TOKEN || !token.startsWith(this.#lead) || !/^[\w-]+$/.test(token)) return null;
    try {
      const bytes = decode(Buffer.from(token, 'base64url'), { keyring: this.#keyring, aad: boundTo(owner) });
      const [id, upstreamId, protocolVersion, capabilities, told] = JSON.parse(bytes.toString()) as SealedSession;
      return { id, upstreamId, protocolVersion, capabilities, told };
    } catch (error) {
      if (error instanceof CodecError || error instanceof SyntaxError) return null;
      throw error;
    }
  }
}

type SealedSession = [string, string | null, string, string, readonly ListKind[]];

function boundTo({ tenant, keyId, server }: SessionOwner): string {
  return JSON.stringify(['mcp session', tenant, keyId, server]);
}
