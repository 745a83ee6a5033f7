import { clustersOf, designEffect, effectOn, pooledEffect } from '../src/semantic/clusters.js';
import { evaluate } from '../src/semantic/evaluation.js';
import type { LabelledPair } from '../src/semantic/pairs.js';
import { randomFrom, shuffled } from '../src/semantic/pairs.js';
import { runThrough } from '../src/semantic/prequential.js';
import { reportOf } from '../src/semantic/report.js';
import { bestStaticThreshold } from '../src/semantic/static-threshold.js';

const CONDITIONS = { delta: 0.05, seed: 1, auditShare: 0.02, exploreShare: 1, window: 10_000, confidence: 0.95 };

function pair(asked: string, stored: string, similarity: number, same: boolean): LabelledPair {
  const features = [similarity, similarity, 0, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0];
  return {
    candidate: { partition: 'p', asked, stored, objected: false, reserved: false, form: null, features },
    similarity,
    same,
  };
}

function pairs(count: number, same: (at: number) => boolean): LabelledPair[] {
  return Array.from({ length: count }, (_, at) => pair(`a${at}`, `b${at}`, 0.9, same(at)));
}

describe('the evaluation of the semantic tier', () => {
  it('chooses the best static threshold with all labels at hand', () => {
    const labelled = [
      pair('a', 'b', 0.9, true),
      pair('c', 'd', 0.8, false),
      pair('e', 'f', 0.7, true),
      pair('g', 'h', 0.6, true),
    ];
    expect(bestStaticThreshold(labelled, 0)).toEqual({ threshold: 0.9, hits: 1, wrong: 0 });
    expect(bestStaticThreshold(labelled, 0.25)).toEqual({ threshold: 0.6, hits: 4, wrong: 1 });
    expect(bestStaticThreshold([pair('a', 'b', 0.9, false)], 0.1)).toBeNull();
    expect(bestStaticThreshold([pair('a', 'b', 0.9, true), pair('c', 'd', 0.9, false)], 0.1)).toBeNull();
  });

  it('serves nothing where labels say nothing, and most where all are right', () => {
    expect(
      runThrough(
        pairs(1500, (at) => at % 2 === 0),
        CONDITIONS,
      ).served,
    ).toEqual([]);
    const run = runThrough(
      pairs(1500, () => true),
      CONDITIONS,
    );
    expect(run.firstAt).toBeGreaterThanOrEqual(59);
    expect(run.served.length).toBeGreaterThan(1300);
    expect(run.audited + run.explored + run.served.length).toBe(1500);
  });

  /** A label that could be seen before its decision would be avoided: the wrong ones come when all is open. */
  it('does not know a label before its decision', () => {
    const labelled = pairs(2000, (at) => at % 200 !== 0);
    const order = shuffled(labelled, randomFrom(1));
    const { served } = runThrough(labelled, CONDITIONS);
    expect(served.some(({ same }) => !same)).toBe(true);
    // What is decided up to a point does not depend on what is labelled after it.
    const changed = new Set(order.slice(1000).map(({ candidate }) => candidate.asked));
    const other = labelled.map((one) => (changed.has(one.candidate.asked) ? { ...one, same: !one.same } : one));
    const before = (run: readonly LabelledPair[]) =>
      run.map(({ candidate }) => candidate.asked).filter((asked) => !changed.has(asked));
    expect(before(runThrough(other, CONDITIONS).served)).toEqual(before(served));
  });

  it('counts hits on questions that hang together as fewer', () => {
    const apart = pairs(100, (at) => at % 10 !== 0);
    expect(designEffect(apart, clustersOf(apart))).toBe(1);
    const together = Array.from({ length: 100 }, (_, at) =>
      pair(`a${at}`, at < 10 ? 'wrong' : `b${at}`, 0.9, at >= 10),
    );
    expect(designEffect(together, clustersOf(together))).toBeGreaterThan(5);
    expect(designEffect([], new Map())).toBe(1);
  });

  it('counts a pair that is served in several orders as one', () => {
    const [first, ...others] = pairs(11, () => true);
    const served = [...Array.from({ length: 10 }, () => first as LabelledPair), ...others];
    expect(pooledEffect(served, clustersOf(served))).toBeCloseTo((100 + 10) / 20);
    expect(pooledEffect(others, clustersOf(others))).toBe(1);
  });

  it('says hit rate and wrong hits with their bounds, for itself and the static threshold', () => {
    const evaluation = evaluate(
      pairs(600, (at) => at % 200 !== 0),
      1,
    );
    for (const { hitRate, all, staticAtDelta } of evaluation.deltas) {
      for (const { rate, interval } of [hitRate, ...(staticAtDelta === null ? [] : [staticAtDelta.hitRate])]) {
        expect(interval[0]).toBeLessThanOrEqual(rate);
        expect(interval[1]).toBeGreaterThanOrEqual(rate);
      }
      expect(all.upper).toBeLessThanOrEqual(all.interval[1]);
      expect(all.interval[0]).toBeLessThanOrEqual(all.wrongShare ?? 0);
    }
    const last = evaluation.deltas.at(-1);
    expect(last?.staticAtDelta).toMatchObject({ threshold: 0.9, hits: 600, wrong: 3, hitRate: { rate: 1 } });
    const lines = reportOf(evaluation).split('\n');
    const at = lines.findIndex((line) => line.trimStart().startsWith('5.00 %') && line.includes('semantic tier'));
    expect(lines.slice(at, at + 3)).toEqual([
      expect.stringMatching(/5\.00 % .*semantic tier .* % .*δ shown$/),
      expect.stringMatching(/static ≥ 0\.900, best at δ +100\.00 % /),
      expect.stringMatching(/static, best at this error +no hits|static ≥ /),
    ]);
  });

  it('counts what hangs together in the hit rate, too', () => {
    const together = Array.from({ length: 100 }, (_, at) => pair(`a${at}`, at < 10 ? 'hit' : `b${at}`, 0.9, true));
    const isHit = ({ candidate }: LabelledPair): boolean => candidate.stored === 'hit';
    expect(effectOn(together, clustersOf(together), isHit)).toBeGreaterThan(5);
    expect(effectOn(together, clustersOf(together), () => true)).toBe(1);
  });

  it('says unknown where nothing was served, and never zero', () => {
    const evaluation = evaluate(
      pairs(40, () => true),
      1,
    );
    expect(evaluation.deltas.map(({ seeds }) => seeds[0]?.wrongShare)).toEqual([null, null, null, null]);
    expect(reportOf(evaluation)).toContain('unknown');
    expect(evaluation.deltas[0]?.hitRate).toMatchObject({ rate: 0, interval: [0, expect.any(Number)] });
    expect(evaluation.deltas[0]?.seeds[0]).toMatchObject({ hits: 0, upper: 1, interval: [0, 1] });
  });
});
