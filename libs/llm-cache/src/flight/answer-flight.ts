import type { Flight } from '@promptsales/cache-core';
import type { Passenger } from './broadcast.js';

/** An answer under way, led by this process or followed in another one; the same to those on board. */
export interface AnswerFlight extends Flight {
  readonly done: Promise<void>;
  /** It was led here, and a call was begun: a line of the ledger counts the request of whoever leads. */
  readonly called: boolean;
  /** It goes on, but is too long to be joined. */
  readonly overgrown: boolean;
  /** Redis could not be asked when it began: what it brings is not stored. */
  readonly withoutRedis: boolean;
  /**
   * Once its last event has left: whether its answer is in the cache then. Who comes after that looks there, as one may who has
   * read the answer to its end. Null until then.
   */
  readonly storing: Promise<boolean> | null;
  /** Null: too late for this one. Wait until it is done and ask the cache anew. */
  board(wants: 'frames' | 'whole'): Passenger | null;
}
