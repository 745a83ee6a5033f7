/** A call of a service as it comes in, and what goes back. */
import type { Readable } from 'node:stream';
import type { Fields } from '../rules/fields.js';
import type { RequestTerms } from '../rules/reuse.js';
import type { LifetimeTerms } from '../rules/freshness.js';
import type { Service } from '../services/service.js';
import type { Bytes } from '../upstream/upstream-client.js';
import type { Target } from './target.js';

export interface IncomingCall {
  readonly tenant: string;
  readonly service: Service;
  readonly method: string;
  /** Of the URL, behind the service's name. */
  readonly rest: string;
  readonly fields: Fields;
  /** Null: none. */
  readonly body: Readable | null;
  readonly keyInAuthorization: boolean;
  /** Aborts when the caller is gone. */
  readonly left: AbortSignal;
  readonly informed?: (status: number, fields: Fields) => void;
}

/** Understood: what is asked of the service and of the cache. */
export interface Asked {
  readonly call: IncomingCall;
  readonly service: Service;
  readonly target: Target;
  /** As they go to the service. */
  readonly fields: Fields;
  readonly terms: RequestTerms;
  readonly lifetime: LifetimeTerms;
  /** Of what it is: only one range, which is kept beside the whole. */
  readonly part: boolean;
  readonly namespace: string;
  /** `service:NAME` and those that the caller names. */
  readonly tags: readonly string[];
  /** The body of a look-up, which is part of what is asked. */
  readonly question: Buffer | null;
  /** What stands for the method in the key. */
  readonly operation: string;
}

export interface CallReply {
  readonly status: number;
  readonly reason: string;
  readonly fields: Fields;
  /** To be read to its end, or returned. Null: none. */
  readonly body: Buffer | Bytes | null;
  readonly trailers?: () => readonly string[];
}
