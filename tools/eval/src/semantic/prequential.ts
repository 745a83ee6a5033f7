/**
 * The tier's own decisions over the pairs, one after another, each before its label is known: nothing is calibrated on what
 * it is evaluated on. A label is learnt from only where the tier would have learnt it, that is where it did not serve.
 */
import { Evidence, finished, PRIOR } from '@promptsales/semantics';
import { randomFrom, shuffled, type LabelledPair } from './pairs.js';

export interface Conditions {
  readonly delta: number;
  readonly seed: number;
  readonly auditShare: number;
  readonly exploreShare: number;
  readonly window: number;
  readonly confidence: number;
}

export interface Run {
  readonly served: readonly LabelledPair[];
  /** Of what was served: its wording had not been compared with any kin of the stored one's. */
  readonly fresh: readonly LabelledPair[];
  readonly audited: number;
  readonly explored: number;
  /** After how many pairs the first answer was served; null: none was. */
  readonly firstAt: number | null;
}

export function runThrough(pairs: readonly LabelledPair[], conditions: Conditions): Run {
  const { delta, seed, auditShare, exploreShare, window, confidence } = conditions;
  const random = randomFrom(seed);
  const evidence = new Evidence({ prior: PRIOR, window, confidence });
  evidence.expect(delta);
  const served: LabelledPair[] = [];
  const fresh: LabelledPair[] = [];
  let [audited, explored] = [0, 0];
  let firstAt: number | null = null;
  for (const [at, pair] of shuffled(pairs, random).entries()) {
    const { candidate, same } = pair;
    const assessed = evidence.assess(candidate, delta);
    const drawn = random();
    if (assessed.servable && drawn >= auditShare) {
      served.push(pair);
      if (!assessed.known) fresh.push(pair);
      firstAt ??= at;
      continue;
    }
    if (!assessed.servable && drawn >= exploreShare) continue;
    if (assessed.servable) audited += 1;
    else explored += 1;
    evidence.add([{ ...candidate, right: same, source: 'drawn' }]);
    if (evidence.fitDue) finished(evidence.fit());
    if (evidence.reviewDue) finished(evidence.review());
  }
  return { served, fresh, audited, explored, firstAt };
}
