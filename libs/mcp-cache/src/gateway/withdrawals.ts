/**
 * Requests with a session that are answered from the cache: their client may withdraw them. It does so for itself alone. Who
 * waits for the same answer still gets it, and the server, which knows of one request only, is told when nobody waits any more.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { McpError, RPC, type JsonRpcId } from '../json-rpc/message.js';

export interface Withdrawable {
  /** Aborted when the client has withdrawn it or has left. */
  readonly left: AbortSignal;
  /** The server is asked; the signal aborts when nobody waits any more. */
  readonly asking: (signal: AbortSignal) => void;
  readonly ended: () => void;
}

interface UnderWay {
  readonly leaving: AbortController;
  asking: AbortSignal | null;
}

export class Withdrawals {
  readonly #underWay = new Map<string, UnderWay>();

  /** @param session the client's name of it; without one, clients withdraw by hanging up */
  begin(session: string | undefined, id: JsonRpcId, left: AbortSignal): Withdrawable {
    if (session === undefined) return { left, asking: nothing, ended: nothing };
    const key = keyOf(session, id);
    const one: UnderWay = { leaving: new AbortController(), asking: null };
    this.#underWay.set(key, one);
    return {
      left: AbortSignal.any([left, one.leaving.signal]),
      asking: (signal) => (one.asking = signal),
      ended: () => {
        if (this.#underWay.get(key) === one) this.#underWay.delete(key);
      },
    };
  }

  /** Whether that is all: it is not when the server works on it for nobody, or for somebody who is not known here. */
  async withdraw(session: string, id: JsonRpcId): Promise<boolean> {
    const one = this.#underWay.get(keyOf(session, id));
    if (one === undefined) return false;
    one.leaving.abort(new McpError(200, RPC.cancelled, 'request_cancelled', 'The request was cancelled.', id));
    // Whether others wait shows when this one has gone.
    await nextTurn();
    return one.asking === null || !one.asking.aborted;
  }
}

function keyOf(session: string, id: JsonRpcId): string {
  return JSON.stringify([session, id]);
}

function nothing(): void {}
