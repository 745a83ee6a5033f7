import type { RecoveringPart, RecoveryRun, RecoveryStep, RedisLink } from '../redis/link.js';
import { InvalidationJournal, type InvalidationTarget } from './journal.js';

/** A link whose state and recovery the test decides. */
class TestLink {
  up = true;
  recover: (run: RecoveryRun, part?: RecoveringPart) => Promise<void> = () => Promise.resolve();

  onRecovery(step: RecoveryStep): () => void {
    this.recover = (run, part = { whole: true, covers: () => true }) => step(run, part);
    return () => {};
  }

  upFor(): boolean {
    return this.up;
  }

  onEachNode(visit: (node: this) => Promise<void>): Promise<void> {
    return visit(this);
  }

  run(): Promise<unknown> {
    return Promise.resolve(1);
  }
}

const target = (key: string): InvalidationTarget => ({
  of: 'entry',
  subject: `app:${key}`,
  keys: [`app:${key}`],
  root: 'app:',
  rememberMs: 0,
});
const run: RecoveryRun = () => Promise.resolve(1);

describe('the journal of invalidations', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  function journalOn(link: TestLink, capacity = 10) {
    const applied: string[] = [];
    const swept: string[] = [];
    const during: { apply?: () => void; sweep?: () => void } = {};
    const journal = new InvalidationJournal(
      link as unknown as RedisLink,
      { capacity, keepAcknowledgedMs: 60_000, retryMs: 100 },
      {
        apply: async (_run, { subject }) => {
          applied.push(subject);
          during.apply?.();
        },
        sweep: async (_run, root) => {
          swept.push(root);
          during.sweep?.();
        },
      },
    );
    return { journal, applied, swept, during };
  }

  test('trap 1: what is invalidated during recovery is applied before recovery ends', async () => {
    const link = new TestLink();
    const { journal, applied, during } = journalOn(link);
    journal.begin(target('first'));
    during.apply = () => {
      delete during.apply;
      journal.begin(target('second'));
    };
    await link.recover(run);
    expect(applied).toEqual(['app:first', 'app:second']);
    expect(journal.blocks('app:second')).toBe(false);
  });

  test('trap 1: what fails while the link is not up is tried again until it is', async () => {
    const link = new TestLink();
    link.up = false;
    const { journal, applied } = journalOn(link);
    journal.begin(target('k'));
    journal.retryLater();
    await jest.advanceTimersByTimeAsync(1000);
    expect(applied).toEqual([]);
    expect(journal.blocks('app:k')).toBe(true);
    link.up = true;
    await jest.advanceTimersByTimeAsync(200);
    expect(applied).toEqual(['app:k']);
    expect(journal.blocks('app:k')).toBe(false);
    expect(jest.getTimerCount()).toBe(0);
  });

  test('an overflowed family is swept as soon as the link takes it, not only at recovery', async () => {
    const link = new TestLink();
    const { journal, swept } = journalOn(link, 1);
    journal.begin(target('a'));
    journal.begin(target('b'));
    expect(journal.pendingCount).toBe(1);
    expect(journal.blocks('app:anything')).toBe(true);
    await jest.advanceTimersByTimeAsync(200);
    expect(swept).toEqual(['app:']);
    expect(journal.blocks('app:anything')).toBe(false);
  });

  test('trap 1: the confirmation of an older invalidation does not end a newer one of the same entry', () => {
    const { journal } = journalOn(new TestLink());
    const [older, newer] = [target('k'), target('k')];
    journal.begin(older);
    journal.begin(newer);
    journal.acknowledge(older);
    expect(journal.blocks('app:k')).toBe(true);
    journal.acknowledge(newer);
    expect(journal.blocks('app:k')).toBe(false);
  });

  test('an overflowed family is swept although each of its invalidations has been confirmed', async () => {
    const link = new TestLink();
    const { journal, swept } = journalOn(link, 1);
    const targets = [target('a'), target('b')];
    for (const one of targets) journal.begin(one);
    for (const one of targets) journal.acknowledge(one);
    await jest.advanceTimersByTimeAsync(200);
    expect(swept).toEqual(['app:']);
    expect(journal.idle).toBe(true);
    expect(jest.getTimerCount()).toBe(0);
  });

  test('trap 1: more invalidations than it holds were confirmed: a server that was replaced loses the whole family', async () => {
    const link = new TestLink();
    const { journal, applied, swept } = journalOn(link, 1);
    for (const one of [target('a'), target('b')]) journal.acknowledge(one);
    await link.recover(run);
    expect(applied).toEqual(['app:b']);
    expect(swept).toEqual(['app:']);
  });

  test('a family that is invalidated again while it is swept is swept again', async () => {
    const link = new TestLink();
    const { journal, swept, during } = journalOn(link, 0);
    journal.begin(target('a'));
    during.sweep = () => {
      delete during.sweep;
      journal.begin(target('b'));
    };
    await link.recover(run);
    expect(swept).toEqual(['app:', 'app:']);
  });

  test('trap 1: a server that comes back while a family is removed piece by piece, or soon after, loses all of it', async () => {
    const link = new TestLink();
    const { journal, swept } = journalOn(link);
    const ends = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const removals = ends.map(({ promise }) => journal.whileRemoving('app:', () => promise));
    const [first, second] = ends;
    first?.resolve();
    await link.recover(run);
    expect(swept).toEqual(['app:']);
    second?.resolve();
    await Promise.all(removals);
    await link.recover(run);
    expect(swept).toEqual(['app:', 'app:']);
  });

  test('trap 1: a server that was replaced is told again what it acknowledged', async () => {
    const link = new TestLink();
    const { journal, applied } = journalOn(link);
    const one = target('k');
    journal.begin(one);
    journal.acknowledge(one);
    await link.recover(run);
    expect(applied).toEqual(['app:k']);
  });
});
