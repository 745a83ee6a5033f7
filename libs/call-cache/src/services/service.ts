import type { Rate } from '@promptsales/cache-core';

/** A REST service behind the cache, as it is configured. Holds its credentials: not to be shown. */
export interface Service {
  readonly name: string;
  readonly baseUrl: URL;
  /** Another one whenever what is asked, or with what right, has changed: nothing kept before answers for it. */
  readonly space: string;
  /** Sent with each call, the credentials among them. Names as they were given. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Seconds that a 200 lives which says nothing of it. 0: none. */
  readonly ttl: number;
  /** The first whose path fits. */
  readonly ttlRules: readonly TtlRule[];
  /** What is asked by POST at these paths is looked up, not done. */
  readonly lookupPosts: readonly PathPattern[];
  /** The caller's `Authorization` and `Cookie` go along. */
  readonly forwardAuthorization: boolean;
  /** Seconds past its lifetime that an answer serves when the service fails and nothing else is said. */
  readonly staleIfError: number;
  /** A name may lead to addresses that are nobody's outside. */
  readonly privateAddresses: boolean;
  readonly rateLimit: Rate | null;
  /** Calls at a time, of each process. */
  readonly concurrency: number;
  readonly breaker: ServiceBreaker | null;
}

export interface TtlRule {
  readonly path: PathPattern;
  readonly ttl: number;
  /** Wins over what the answer says itself. */
  readonly override: boolean;
  /** The operation's name in the key. */
  readonly name: string | null;
}

/** What is given wins over the platform's own. */
export interface ServiceBreaker {
  readonly consecutiveFailures?: number;
  readonly failureRatio?: number;
  readonly minimumCalls?: number;
  readonly firstOpenMs?: number;
}

/** A path below the base URL, in which each `*` stands for anything. */
export class PathPattern {
  readonly #parts: readonly string[];

  constructor(readonly text: string) {
    this.#parts = text.split('*');
  }

  /** In linear time, whatever it and the path are. */
  matches(path: string): boolean {
    const [first = '', ...others] = this.#parts;
    const last = others.pop();
    if (last === undefined) return path === first;
    if (!path.startsWith(first) || !path.endsWith(last) || path.length < first.length + last.length) return false;
    let at = first.length;
    for (const part of others) {
      const found = path.indexOf(part, at);
      if (found < 0) return false;
      at = found + part.length;
    }
    return at <= path.length - last.length;
  }
}

/** The directory of all services, at hand without asking anybody. */
export interface ServiceSource {
  find(name: string): Service | null;
}
