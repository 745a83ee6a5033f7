import type { Cache, Leadership, Reading, RedisRoles } from '@promptsales/cache-core';
import { Beginning } from '../flight/beginning.js';
import { FollowedFlights } from '../flight/followed-flights.js';
import type { FlightObserver } from '../flight/flight-observer.js';
import type { FlightBounds } from '../flight/flight-bounds.js';
import { LeaderFlight, NO_LEADERSHIP } from '../flight/leader-flight.js';
import { DEFAULT_MIRROR, type MirrorTimes } from '../flight/live-mirror.js';
import { LiveTransport } from '../flight/live-transport.js';
import { DEFAULT_FOLLOWER, RemoteFlight, type FollowerTimes } from '../flight/remote-flight.js';
import type { CallCause, CallFacts, Ledger } from '../ledger/ledger.js';
import { LlmError } from '../protocol/llm-error.js';
import type { JsonObject } from '../protocol/protocol.js';
import type { Asker } from '../upstream/asker.js';
import type { Inquiry } from './inquiry.js';
import { readingOf, readingsOf, type StoredForm } from './stored-form.js';

export interface FlightDeckParts {
  readonly cache: Cache;
  readonly roles: RedisRoles;
  readonly asker: Asker;
  readonly ledger: Ledger;
  readonly bounds: FlightBounds;
  readonly observer: FlightObserver;
  readonly mirror?: MirrorTimes;
  readonly follower?: FollowerTimes;
}

/** A flight that may come about: it stores what it brings, and others may join and follow it. */
export interface Departure {
  /** It has become likely: what a call needs is begun. */
  prepare(): void;
  lead(leadership: Leadership): LeaderFlight;
  /** It has not come about: what was begun is taken back. */
  cancel(): void;
}

/** Where this process's flights begin, and where they are ended together at shutdown. */
export class FlightDeck {
  readonly #parts: FlightDeckParts;
  readonly #transport: LiveTransport;
  readonly #followed: FollowedFlights;
  /** Flights that only this process knows of, by tenant and identity. */
  readonly #here = new Map<string, LeaderFlight>();
  readonly #aloft = new Set<LeaderFlight | RemoteFlight>();

  constructor(parts: FlightDeckParts) {
    this.#parts = parts;
    const { cache, roles, observer, mirror = DEFAULT_MIRROR } = parts;
    this.#transport = new LiveTransport(roles, cache.keyPrefix);
    this.#followed = new FollowedFlights(cache.processId, this.#transport, mirror, observer);
  }

  /** For a flight that may come about. To be cancelled in any case: that changes nothing once it is under way. */
  departure(inquiry: Inquiry, cause: CallCause): Departure {
    const { asker, ledger } = this.#parts;
    let beginning: Beginning | null = null;
    return {
      prepare: () => {
        beginning ??= new Beginning(inquiry.target, callOf(inquiry, cause), { asker, ledger });
      },
      lead: (leadership) => {
        const begun = beginning;
        beginning = null;
        return this.#lead(inquiry, leadership, cause, begun);
      },
      cancel: () => {
        beginning?.withdraw();
        beginning = null;
      },
    };
  }

  #lead(inquiry: Inquiry, leadership: Leadership, cause: CallCause, beginning: Beginning | null): LeaderFlight {
    const flight = this.#take(inquiry, leadership, cause, { alone: false, beginning });
    if (leadership.canStore) {
      this.#followed.add(flight);
      const home = flight.done.then(() => this.#bringHome(inquiry, flight));
      home.catch((error: unknown) => this.#parts.observer.failed?.(error));
    }
    return flight;
  }

  async #bringHome(inquiry: Inquiry, { broadcast }: LeaderFlight): Promise<void> {
    const { kind } = await broadcast.opening;
    // The stream of an answer that came as JSON is made for whoever asks for it.
    const forms = kind === 'stream' ? readingsOf(inquiry) : [readingOf(inquiry)];
    await Promise.all(forms.map((form) => this.#parts.cache.bringHome(form)));
  }

  /**
   * Where no flight can be found through Redis: one that stores nothing, shared by all in this process who ask the same.
   * For requests that any answer suits, however long ago it was asked for.
   */
  leadHere(inquiry: Inquiry): { readonly flight: LeaderFlight; readonly joined: boolean } {
    const name = `${inquiry.tenant} ${inquiry.hash}`;
    const under = this.#here.get(name);
    if (under !== undefined && !under.overgrown && under.joinable) return { flight: under, joined: true };
    const flight = this.leadAlone(inquiry);
    this.#here.set(name, flight);
    void flight.done.finally(() => {
      if (this.#here.get(name) === flight) this.#here.delete(name);
    });
    return { flight, joined: false };
  }

  /** A flight for one caller, which stores nothing. */
  leadAlone(inquiry: Inquiry): LeaderFlight {
    return this.#take(inquiry, NO_LEADERSHIP, 'request', { alone: true, beginning: null });
  }

  follow(inquiry: Inquiry, reading: Reading<StoredForm>, token: string): RemoteFlight {
    const { cache, bounds, observer, follower = DEFAULT_FOLLOWER } = this.#parts;
    const following = {
      token,
      leader: token.slice(0, token.lastIndexOf('.')),
      protocol: inquiry.protocol,
      facts: inquiry.facts,
      stillLed: async () => {
        const found = await cache.ask(reading);
        // A hit, too: an entry that is being refreshed is still there.
        return found.kind !== 'away' && found.lease === token;
      },
    };
    observer.attached?.('follower');
    return this.#track(
      new RemoteFlight(following, this.#transport, cache.processId, bounds, follower, (error) =>
        observer.failed?.(error),
      ),
    );
  }

  /** Lets flights end within the bound, then ends them. */
  async close(boundMs: number): Promise<void> {
    const ended = Promise.all([...this.#aloft].map((flight) => flight.done));
    let timer: NodeJS.Timeout | undefined;
    const bound = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, boundMs);
    });
    await Promise.race([ended, bound]);
    clearTimeout(timer);
    const reason = new LlmError('shutting_down', 'This server is stopping. Ask again.', { retryAfterSeconds: 1 });
    for (const flight of this.#aloft) flight.giveUp(reason);
    await ended;
    await this.#followed.close();
  }

  #take(
    inquiry: Inquiry,
    leadership: Leadership,
    cause: CallCause,
    { alone, beginning }: { readonly alone: boolean; readonly beginning: Beginning | null },
  ): LeaderFlight {
    const { asker, ledger, bounds, observer } = this.#parts;
    const { protocol, facts, body, forwarded, target } = inquiry;
    const flight = new LeaderFlight(
      {
        question: {
          target,
          protocol,
          facts,
          raw: body.bytes,
          json: body.faithful ? (body.value as JsonObject) : null,
          headers: forwarded,
        },
        keeping: {
          policyAllows: inquiry.bypass !== 'policy',
          noStore: alone || inquiry.bypass === 'no-store',
          ttlSeconds: inquiry.ttlSeconds,
          tags: inquiry.controls.tags,
        },
        call: callOf(inquiry, cause),
        leadership,
        beginning,
      },
      { asker, ledger, bounds, observer },
    );
    return this.#track(flight);
  }

  #track<F extends LeaderFlight | RemoteFlight>(flight: F): F {
    this.#aloft.add(flight);
    void flight.done.finally(() => this.#aloft.delete(flight));
    return flight;
  }
}

function callOf({ ledger, requestId }: Inquiry, cause: CallCause): CallFacts {
  return { ...ledger, cause, requestId };
}
