import type { RedisHome } from '../src/index.js';
import { aCluster, oneServer, type OneServer, type RedisPlace } from './redis-place.js';

/** Where a suite runs that makes the same claims of a single server and of a cluster: a row is a name and how to start it. */
export const EVERY_PLACE = [
  ['one server', oneServer],
  ['a cluster', aCluster],
] as const;

export type PlaceName = (typeof EVERY_PLACE)[number][0];

/** Something of the platform that runs on Redis, as one process has it: how it is started and ended. */
export interface ProcessKind<P, A extends readonly unknown[] = []> {
  start(home: RedisHome, ...settings: A): Promise<P>;
  stop(process: P): Promise<void>;
}

/**
 * What a suite plays on: one Redis for the whole suite, empty before each test, and two processes, new for each test.
 * A suite that names them itself takes them over in a `beforeEach` of its own.
 */
export interface Stage<P, A extends readonly unknown[], R extends RedisPlace = RedisPlace> {
  readonly redis: R;
  readonly raw: RedisPlace['raw'];
  readonly a: P;
  readonly b: P;
  /** Another process; it ends with the test, unless `stop` has ended it before. */
  readonly start: (...settings: A) => Promise<P>;
  readonly stop: (process: P) => Promise<void>;
}

/** The suite on one server and on a real cluster, one after the other. */
export function onEveryPlace<P, A extends readonly unknown[]>(
  title: string,
  kind: ProcessKind<P, A>,
  suite: (stage: Stage<P, A>, place: PlaceName) => void,
): void {
  describe.each(EVERY_PLACE)(`${title} on %s`, (place, startPlace) => suite(stageOn(startPlace, kind), place));
}

/** For what a process that the suite starts, or a claim about one server alone, needs the URL. */
export function onOneServer<P, A extends readonly unknown[]>(
  title: string,
  kind: ProcessKind<P, A>,
  suite: (stage: Stage<P, A, OneServer>) => void,
): void {
  describe(title, () => suite(stageOn(oneServer, kind)));
}

/** Its hooks are registered here, and run before those that the suite registers afterwards. */
function stageOn<P, A extends readonly unknown[], R extends RedisPlace>(
  startPlace: () => Promise<R>,
  kind: ProcessKind<P, A>,
): Stage<P, A, R> {
  const running = new Set<P>();
  let redis: R;
  let first: [P, P];

  const start = async (...settings: A): Promise<P> => {
    const process = await kind.start(redis.home, ...settings);
    running.add(process);
    return process;
  };
  const stop = async (process: P): Promise<void> => {
    running.delete(process);
    await kind.stop(process);
  };

  beforeAll(async () => {
    redis = await startPlace();
  });

  afterAll(() => redis.stop());

  beforeEach(async () => {
    await redis.flush();
    // Without settings, which are all optional.
    const plain = [] as unknown as A;
    first = await Promise.all([start(...plain), start(...plain)]);
  });

  afterEach(async () => {
    // One that a failed test has left frozen would fail all that come after it.
    redis.thaw();
    await Promise.all([...running].map(stop));
  });

  return {
    get redis() {
      return redis;
    },
    get raw() {
      return redis.raw;
    },
    get a() {
      return first[0];
    },
    get b() {
      return first[1];
    },
    start,
    stop,
  };
}
