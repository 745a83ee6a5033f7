import { codeOf, summary } from '../connection/faults.js';
import { DatabaseStartError } from '../errors.js';

/** Time as the start sees it; tests have one of their own. */
export interface StartClock {
  now(): number;
  sleep(ms: number): Promise<void>;
}

export const SYSTEM_CLOCK: StartClock = {
  now: () => performance.now(),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};

export interface WaitOptions {
  /** Host, port and database, without credentials. */
  readonly where: string;
  readonly probe: () => Promise<unknown>;
  readonly say: (line: string) => void;
  readonly clock: StartClock;
  readonly limitMs: number;
  readonly everyMs: number;
}

/** A server that answers with one of these will not change its mind by being asked again. */
const FINAL: Readonly<Record<string, string>> = {
  '28P01': 'the user name or password in DATABASE_URL is not accepted',
  '28000': 'the user in DATABASE_URL may not connect',
  '3D000': 'the database in DATABASE_URL does not exist',
  '42501': 'the user in DATABASE_URL may not use the database',
};

/** Waits until PostgreSQL answers, with a line a second; throws `DatabaseStartError` when it has not within the limit. */
export async function waitForDatabase(options: WaitOptions): Promise<void> {
  const { clock } = options;
  const began = clock.now();
  for (;;) {
    const attempt = clock.now();
    try {
      await options.probe();
      return;
    } catch (error) {
      const final = FINAL[codeOf(error)];
      if (final !== undefined) {
        throw new DatabaseStartError(`PostgreSQL at ${options.where} refuses: ${final}`, { cause: error });
      }
      const leftMs = options.limitMs - (clock.now() - began);
      if (leftMs <= 0) {
        throw new DatabaseStartError(
          `PostgreSQL at ${options.where} did not answer within ${options.limitMs / 1000} s (${summary(error)}). Start it, or correct DATABASE_URL.`,
          { cause: error },
        );
      }
      options.say(
        `PostgreSQL at ${options.where} does not answer (${summary(error)}); trying again for ${Math.ceil(leftMs / 1000)} s`,
      );
      await clock.sleep(Math.max(0, Math.min(options.everyMs - (clock.now() - attempt), leftMs)));
    }
  }
}
