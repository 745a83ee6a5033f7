import { RedisUnavailableError } from '@promptsales/cache-core';
import type { FlightObserver } from './flight-observer.js';
import type { LeaderFlight } from './leader-flight.js';
import { LiveMirror, type MirrorTimes } from './live-mirror.js';
import type { Interest, LiveTransport } from './live-transport.js';

const LOOK_MS = 1000;

interface Led {
  readonly flight: LeaderFlight;
  mirror: LiveMirror | null;
}

/**
 * The flights that this process leads, for followers in other processes. A flight costs nothing here until somebody asks
 * for it; then it is mirrored. It counts as waited for as long as a follower says so often enough.
 */
export class FollowedFlights {
  readonly #processId: string;
  readonly #transport: LiveTransport;
  readonly #times: MirrorTimes;
  readonly #observer: FlightObserver;
  readonly #led = new Map<string, Led>();
  #listening: Promise<(() => void) | null> | null = null;
  #look: NodeJS.Timeout | null = null;

  constructor(processId: string, transport: LiveTransport, times: MirrorTimes, observer: FlightObserver) {
    this.#processId = processId;
    this.#transport = transport;
    this.#times = times;
    this.#observer = observer;
  }

  add(flight: LeaderFlight): void {
    this.#listen();
    const led: Led = { flight, mirror: null };
    this.#led.set(flight.token, led);
    flight.mirroredFor(() => led.mirror?.awaited === true);
    void flight.done.then(() => {
      this.#led.delete(flight.token);
      if (this.#led.size === 0 && this.#look !== null) {
        clearInterval(this.#look);
        this.#look = null;
      }
    });
  }

  async close(): Promise<void> {
    if (this.#look !== null) clearInterval(this.#look);
    this.#look = null;
    const stop = await this.#listening;
    stop?.();
  }

  /** Followers repeat themselves, so it is soon enough to listen when the first flight begins, and to try again with the next. */
  #listen(): void {
    this.#listening ??= this.#transport
      .onInterest(this.#processId, (interest) => this.#hear(interest))
      .catch((error: unknown) => {
        if (!(error instanceof RedisUnavailableError)) this.#observer.failed?.(error);
        this.#listening = null;
        return null;
      });
  }

  #hear({ token, process, leaving }: Interest): void {
    const led = this.#led.get(token);
    if (led === undefined) return;
    if (leaving) {
      led.mirror?.unfollow(process);
      led.flight.lookWhoWaits();
      return;
    }
    if (led.mirror !== null) {
      led.mirror.follow(process);
      return;
    }
    void this.#attach(led, process);
  }

  async #attach(led: Led, process: string): Promise<void> {
    // Once its lease has ended, who has asked finds the answer in the cache.
    if ((await led.flight.storing) === true) return;
    if (led.mirror !== null) {
      led.mirror.follow(process);
      return;
    }
    const mirror = new LiveMirror(led.flight, this.#transport, this.#times);
    led.mirror = mirror;
    mirror.follow(process);
    this.#observer.attached?.('leader');
    this.#look ??= setInterval(() => this.#lookForSilentFollowers(), LOOK_MS).unref();
    void mirror
      .tell()
      // Redis refused to take it (it is full, say): followers go without and know it by the silence.
      .catch((error: unknown) => this.#observer.failed?.(error))
      .finally(() => {
        if (led.mirror === mirror) led.mirror = null;
        // Nobody else asks any more whether somebody still waits.
        led.flight.lookWhoWaits();
      });
  }

  #lookForSilentFollowers(): void {
    for (const { flight, mirror } of this.#led.values()) if (mirror !== null) flight.lookWhoWaits();
  }
}
