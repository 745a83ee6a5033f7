import { Locks, RedisRoles, type FencingSource, type LinkTimes, type LockEvent, type RedisHome } from '../src/index.js';
import { PATIENT, type OneServer } from './redis-place.js';

/** One process of the platform, as far as locks are concerned. */
export interface LockProcess {
  readonly roles: RedisRoles;
  readonly locks: Locks;
  readonly events: LockEvent[];
}

class Numbers implements FencingSource {
  drawn = 0;
  before: () => Promise<void> = () => Promise.resolve();

  reset(): void {
    this.drawn = 0;
    this.before = () => Promise.resolve();
  }

  async next(): Promise<number> {
    await this.before();
    this.drawn += 1;
    return this.drawn;
  }
}

/** Drawn from by all of them. */
export const numbers = new Numbers();

export const lockProcess = {
  async start(home: RedisHome, times: Partial<LinkTimes> = {}): Promise<LockProcess> {
    const roles = new RedisRoles({
      ...home,
      layout: 'single',
      times: { ...PATIENT, heartbeatMs: 50, holdAfterRestartMs: 0, ...times },
    }).open();
    await Promise.all(roles.links().map((link) => link.untilUp(60_000)));
    const events: LockEvent[] = [];
    const locks = new Locks(roles, { fencing: numbers }, { lock: (_family, event) => void events.push(event) });
    return { roles, locks, events };
  },
  async stop({ roles, locks }: LockProcess): Promise<void> {
    locks.close();
    await roles.close();
  },
};

/** Freezes Redis for as long as it takes until all have given it up; answers how to thaw it, and wait for them. */
export function frozen(
  redis: OneServer,
  processes: readonly LockProcess[],
): { readonly given: Promise<unknown>; thaw(): Promise<unknown> } {
  const allBecome = (state: string): Promise<unknown> => Promise.all(processes.map((one) => became(one, state)));
  const given = allBecome('down');
  redis.freeze();
  return {
    given,
    thaw: () => {
      const up = allBecome('up');
      redis.thaw();
      return up;
    },
  };
}

function became({ roles }: LockProcess, wanted: string): Promise<void> {
  return new Promise((resolve) => {
    const link = roles.link('state');
    const listen = (state: string): void => {
      if (state !== wanted) return;
      link.off('state', listen);
      resolve();
    };
    link.on('state', listen);
  });
}
