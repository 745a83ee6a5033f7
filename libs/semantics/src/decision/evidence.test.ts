import { TEXT_FEATURES } from '../gate/comparison.js';
import { Evidence, type Assessment, type Candidate, type Observation } from './evidence.js';
import { PRIOR } from './prior.js';
import { finished, SLICE } from './work.js';

const DELTA = 0.05;

/** Its limits and weights follow at once, as between two requests of the gateway's. */
class Prompt extends Evidence {
  override add(observations: readonly Observation[]): void {
    super.add(observations);
    if (this.fitDue) finished(this.fit());
    if (this.reviewDue) finished(this.review());
  }

  override assess(candidate_: Candidate, delta: number): Assessment {
    this.expect(delta);
    if (this.reviewDue) finished(this.review());
    return super.assess(candidate_, delta);
  }
}

function evidence(window = 10_000): Evidence {
  return new Prompt({ prior: PRIOR, window, confidence: 0.95 });
}

function candidate(asked: string, stored: string, change: Partial<Candidate> = {}): Candidate {
  const features = TEXT_FEATURES.map((_, at) => (at === 0 || at === 1 || at === 5 ? 1 : 0));
  return { partition: 'p', asked, stored, objected: false, reserved: false, form: null, features, ...change };
}

function observed(count: number, change: Partial<Observation> = {}, name = 'q'): Observation[] {
  return Array.from({ length: count }, (_, at) => ({
    ...candidate(`${name}${at}`, `${name}'${at}`),
    right: true,
    source: 'drawn' as const,
    ...change,
  }));
}

describe('evidence', () => {
  it('lets nothing be served before it shows δ', () => {
    const known = evidence();
    expect(known.assess(candidate('a', 'b'), DELTA).servable).toBe(false);
    known.add(observed(117));
    expect(known.assess(candidate('a', 'b'), DELTA).servable).toBe(false);
    known.add(observed(3, {}, 'r'));
    expect(known.assess(candidate('a', 'b'), DELTA)).toMatchObject({ servable: true, known: false });
    expect(known.assess(candidate('a', 'b'), 0.01).servable).toBe(false);
  });

  it('never lets be served what something objects to', () => {
    const known = evidence();
    known.add(observed(500));
    expect(known.assess(candidate('a', 'b', { objected: true }), 0.9).servable).toBe(false);
    known.add([{ ...candidate('a', 'b', { objected: true }), right: true, source: 'drawn' }]);
    known.add([{ ...candidate('c', 'b', { objected: true }), right: true, source: 'drawn' }]);
    expect(known.assess(candidate('a', 'c', { objected: true }), 0.9)).toMatchObject({ servable: false, known: true });
  });

  it('lets what is reserved be served only where the wordings are known to be the same', () => {
    const known = evidence();
    const chain = Array.from({ length: 100 }, (_, at) => [
      { ...candidate(`b${at}`, `a${at}`), right: true, source: 'drawn' as const },
      { ...candidate(`c${at}`, `b${at}`), right: true, source: 'drawn' as const },
      { ...candidate(`c${at}`, `a${at}`), right: true, source: 'drawn' as const },
    ]).flat();
    known.add(chain);
    expect(known.assess(candidate('x', 'a1', { reserved: true }), DELTA).servable).toBe(false);
    expect(known.assess(candidate('c1', 'a1', { reserved: true }), DELTA)).toMatchObject({
      servable: true,
      known: true,
    });
  });

  it('closes at once when what would be served is wrong, and opens again when right ones outweigh it', () => {
    const known = evidence();
    known.add(observed(120));
    expect(known.assess(candidate('a', 'b'), DELTA).servable).toBe(true);
    known.add(observed(1, { right: false }, 'w'));
    expect(known.assess(candidate('a', 'b'), DELTA).servable).toBe(false);
    known.add(observed(200, {}, 'r'));
    expect(known.assess(candidate('a', 'b'), DELTA).servable).toBe(true);
  });

  it('closes a partition that is worse than the others, and leaves these open', () => {
    const known = evidence();
    known.add(observed(2000));
    known.add(observed(3, { partition: 'bad', right: false }, 'w'));
    expect(known.assess(candidate('a', 'b'), DELTA).servable).toBe(true);
    expect(known.assess(candidate('a', 'b', { partition: 'new' }), DELTA).servable).toBe(true);
    expect(known.assess(candidate('a', 'b', { partition: 'bad' }), DELTA).servable).toBe(false);
  });

  it('takes a report of a wrong answer for a proof, and one of a right answer for none', () => {
    const known = evidence();
    known.add(observed(500, { source: 'reported' }));
    expect(known.assess(candidate('a', 'b'), 0.5).servable).toBe(false);
    known.add(observed(120, {}, 'd'));
    expect(known.assess(candidate('a', 'b'), DELTA).servable).toBe(true);
    known.add(observed(1, { right: false, source: 'reported' }, 'w'));
    expect(known.assess(candidate('a', 'b'), DELTA).servable).toBe(false);
  });

  it('does not let the right answers of known wordings pay for the wrong ones of others', () => {
    const known = evidence();
    const chain = Array.from({ length: 2000 }, (_, at) => [
      { ...candidate(`b${at}`, `a${at}`), right: at % 3 > 0, source: 'drawn' as const },
      { ...candidate(`b${at}`, `a${at}`), right: true, source: 'drawn' as const },
    ]).flat();
    known.add(chain);
    expect(known.assess(candidate('b1', 'a1'), DELTA)).toMatchObject({ servable: true, known: true });
    expect(known.assess(candidate('new', 'a1'), DELTA)).toMatchObject({ servable: false, known: false });
  });

  it('lets a form be served as a whole, whatever its scores, and pay for no other', () => {
    const known = evidence();
    const articles = { form: 'articles' };
    known.add(observed(60, articles));
    expect(known.assess(candidate('a', 'b', articles), DELTA).servable).toBe(false);
    known.add(observed(25, articles, 'r'));
    known.add(observed(300, { form: 'grammar', right: false }, 'w'));
    const features = TEXT_FEATURES.map(() => -1);
    expect(known.assess(candidate('a', 'b', { ...articles, features }), DELTA).servable).toBe(true);
    expect(known.assess(candidate('a', 'b', { form: 'grammar' }), DELTA).servable).toBe(false);
    expect(known.assess(candidate('a', 'b'), DELTA).servable).toBe(false);
    expect(known.assess(candidate('a', 'b', { ...articles, reserved: true }), DELTA).servable).toBe(false);
    known.add(observed(3, { ...articles, right: false }, 'x'));
    expect(known.assess(candidate('a', 'b', articles), DELTA).servable).toBe(false);
  });

  it('forgets what has left its window', () => {
    const known = evidence(200);
    known.add(observed(150));
    known.add(observed(300, { right: false }, 'w'));
    expect(known.size).toBe(200);
    expect(known.assess(candidate('a', 'b'), DELTA).servable).toBe(false);
  });

  it('is the same wherever the same is known', () => {
    const [one, other] = [evidence(), evidence()];
    const all = observed(900).map((each, at) => ({ ...each, right: at % 9 > 0 }));
    one.add(all);
    other.add(all);
    expect(one.weights).toEqual(other.weights);
    expect(one.assess(candidate('a', 'b'), 0.2)).toEqual(other.assess(candidate('a', 'b'), 0.2));
  });

  describe('in slices', () => {
    const DRAWN = observed(12 * SLICE).map((each, at) => ({ ...each, right: at % 400 > 0 }));

    function unhurried(): Evidence {
      const known = new Evidence({ prior: PRIOR, window: 10_000, confidence: 0.95 });
      known.expect(DELTA);
      return known;
    }

    it('is fitted and reviewed to what it would be in one go', () => {
      const [sliced, whole] = [unhurried(), evidence()];
      sliced.add(DRAWN);
      let slices = 0;
      for (const work = sliced.fit(); work.next().done !== true;) slices += 1;
      expect(slices).toBeGreaterThan(20);
      whole.add(DRAWN);
      expect(sliced.weights).toEqual(whole.weights);
      expect(sliced.assess(candidate('a', 'b'), DELTA)).toEqual(whole.assess(candidate('a', 'b'), DELTA));
    });

    it('goes by what it knew before until it is done', () => {
      const known = unhurried();
      known.add(DRAWN);
      const work = known.fit();
      for (let slice = 0; slice < 10; slice += 1) work.next();
      expect(known.weights).toBe(PRIOR.means);
      expect(known.assess(candidate('a', 'b'), DELTA).servable).toBe(false);
      finished(work);
      expect(known.assess(candidate('a', 'b'), DELTA).servable).toBe(true);
    });

    it.each(['fit', 'review'] as const)('does not miss what was wrong while it was at a %s', (what) => {
      const known = unhurried();
      known.add(observed(12 * SLICE));
      const work = known[what]();
      work.next();
      known.add(observed(1, { right: false }, 'w'));
      finished(work);
      expect(known.size).toBe(12 * SLICE + 1);
      expect(known.assess(candidate('a', 'b'), DELTA).servable).toBe(false);
      // It is one of three thousand: the next review finds so.
      expect(known.reviewDue).toBe(true);
      finished(known.review());
      expect(known.assess(candidate('a', 'b'), DELTA).servable).toBe(true);
    });

    it('says in how many partitions nothing is served', () => {
      const known = evidence();
      known.add(observed(2000));
      known.add(observed(3, { partition: 'bad', right: false }, 'w'));
      known.assess(candidate('a', 'b'), DELTA);
      expect(known.closedPartitions).toBe(1);
    });
  });
});
