/** Everything that happened in one run, as far as the claims of the protocol speak of it. Times are true times. */

/** One life of a simulated process: after a crash, the next has another number. */
export type Life = number;

export interface ReadRecord {
  readonly id: number;
  readonly process: string;
  readonly life: Life;
  readonly entry: number;
  readonly began: number;
  /** Where its beginning stands among all beginnings and endings: the clock alone does not say it. */
  readonly beganOrder: number;
  ended: number | null;
  /** The version that was read. */
  version: number | null;
  error: Error | null;
  source: string | null;
  /** Redis could not be asked on the way: the origin, or a load of this process, answered. */
  bypassed: boolean;
  /** The process's own memory answered (L1). */
  fromMemory: boolean;
}

export interface WriteRecord {
  readonly id: number;
  readonly process: string;
  readonly life: Life;
  readonly entry: number;
  readonly version: number;
  readonly began: number;
  returned: number | null;
  returnedOrder: number;
  /** Redis has confirmed it. */
  completed: boolean;
  /** It goes on, whatever Redis does, until it is done (a pattern). */
  readonly patient: boolean;
  error: Error | null;
}

export interface LoadRecord {
  readonly process: string;
  readonly life: Life;
  readonly entry: number;
  /** When the call that leads this load began. */
  readonly called: number;
  readonly began: number;
  ended: number | null;
  readonly underLease: boolean;
}

/** A lease ended other than by the load that held it. */
export interface LeaseEnd {
  readonly entry: number;
  readonly at: number;
}

export interface Restart {
  /** What was done after this moment may be lost. */
  readonly keptUntil: number;
  readonly stopped: number;
  started: number;
}

export interface Violation {
  readonly claim: string;
  readonly at: number;
  readonly what: string;
}

export class History {
  readonly reads: ReadRecord[] = [];
  readonly writes: WriteRecord[] = [];
  readonly loads: LoadRecord[] = [];
  readonly leaseEnds: LeaseEnd[] = [];
  readonly restarts: Restart[] = [];
  /** When a life had repeated to the server what that may have lost. */
  readonly replays: { readonly life: Life; readonly at: number }[] = [];
  readonly deaths = new Map<Life, number>();
  readonly freezes: { readonly life: Life; readonly from: number; until: number }[] = [];
  /** When the last fault was over. */
  healed = 0;
  /** What was seen to be wrong while it happened. */
  readonly seen: Violation[] = [];
  #order = 0;

  nextOrder(): number {
    this.#order += 1;
    return this.#order;
  }
}
