/**
 * The tier's own decisions over the pairs, one after another, each before its label is known: nothing is calibrated on what
 * it is evaluated on. A label is learnt from only where the tier would have learnt it, that is where it did not serve.
 */
import { Evidence, PRIOR } from '@promptsales/semantics';
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
  /** Of what was served: the wordings had been compared before, with each other's kin. */
  readonly known: number;
  readonly audited: number;
  readonly explored: number;
  /** After how many pairs the first answer was served; null: none was. */
  readonly firstAt: number | null;
}

export function runThrough(pairs: readonly LabelledPair[], conditions: Conditions): Run {
  const { delta, seed, auditShare, exploreShare, window, confidence } = conditions;
  const random = randomFrom(seed);
  const evidence = new Evidence({ prior: PRIOR, window, confidence });
  const served: LabelledPair[] = [];
  let [known, audited, explored] = [0, 0, 0];
  let firstAt: number | null = null;
  for (const [at, pair] of shuffled(pairs, random).entries()) {
    const { candidate, same } = pair;
    const assessed = evidence.assess(candidate, delta);
    const drawn = random();
    if (assessed.servable && drawn >= auditShare) {
      served.push(pair);
      if (assessed.known) known += 1;
      firstAt ??= at;
      continue;
    }
    if (!assessed.servable && drawn >= exploreShare) continue;
    if (assessed.servable) audited += 1;
    else explored += 1;
    evidence.add([{ ...candidate, right: same, source: 'drawn' }]);
  }
  return { served, known, audited, explored, firstAt };
}
