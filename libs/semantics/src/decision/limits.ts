/** From which score on answers are served at one δ, by what was observed. */
import { fewestClean, shows, showsWhenever } from './binomial.js';
import { thresholdFor, type Scores } from './threshold.js';
import { each, type Work } from './work.js';

/** An observation, as far as limits are concerned. */
export interface Proof {
  readonly partition: string;
  readonly right: boolean;
  /** The wordings were known to ask for the same. */
  readonly known: boolean;
  /** In which way they are one sentence, as far as they are. */
  readonly form: string | null;
  readonly score: number;
}

/**
 * Of each kind, none of which pays for another, and in which partitions nothing. Wordings that are known to ask for the same
 * are of one kind; of the others each form is one, and what is of no form is the last.
 */
export interface Limits {
  readonly known: number | null;
  /** Those in which all is served. */
  readonly forms: ReadonlySet<string>;
  readonly others: number | null;
  readonly closed: ReadonlySet<string>;
}

/**
 * Of what is of no form the highest scores are picked out, anew at each review, and what is served then is hardly seen again:
 * luck that passes a test once would be served for good. So it has to be shown that half of δ is kept.
 */
const MARGIN = 0.5;

type Reached = Pick<Limits, 'known' | 'forms' | 'others'>;

export const SHUT: Limits = Object.freeze({
  known: null,
  forms: new Set<string>(),
  others: null,
  closed: new Set<string>(),
});

export function reaches(limits: Reached, { score, known, form }: Pick<Proof, 'score' | 'known' | 'form'>): boolean {
  if (!known && form !== null) return limits.forms.has(form);
  const limit = known ? limits.known : limits.others;
  return limit !== null && score >= limit;
}

/** @param count of the proofs, the first ones: more may come meanwhile */
export function* limitsFor(proofs: readonly Proof[], count: number, delta: number, confidence: number): Work<Limits> {
  const known = thresholdFor(yield* scoresOf(proofs, count, (one) => one.known), delta, confidence);
  yield;
  const rest = yield* scoresOf(proofs, count, (one) => !one.known && one.form === null);
  const others = thresholdFor(rest, delta * MARGIN, confidence);
  yield;
  const open = { known, others, forms: yield* openForms(proofs, count, delta, confidence) };
  return { ...open, closed: yield* closedPartitions(proofs, count, open, delta, confidence) };
}

function* scoresOf(proofs: readonly Proof[], count: number, isOne: (proof: Proof) => boolean): Work<Scores> {
  const right: number[] = [];
  const wrong: number[] = [];
  yield* each(count, (at) => {
    const proof = proofs[at] as Proof;
    if (isOne(proof)) (proof.right ? right : wrong).push(proof.score);
  });
  return { right: new Float64Array(right), wrong: new Float64Array(wrong) };
}

/** A form is the same whatever has been observed, so that its test holds however often it is made. */
function* openForms(
  proofs: readonly Proof[],
  count: number,
  delta: number,
  confidence: number,
): Work<ReadonlySet<string>> {
  const counts = new Counts();
  yield* each(count, (at) => {
    const { known, form, right } = proofs[at] as Proof;
    if (!known && form !== null) counts.add(form, right);
  });
  return counts.where((wrong, total) => showsWhenever(delta, wrong, total, confidence));
}

/** How many of how many are wrong, by name. */
class Counts {
  readonly #counts = new Map<string, { wrong: number; total: number }>();

  add(name: string, right: boolean): void {
    const its = this.#counts.get(name) ?? { wrong: 0, total: 0 };
    its.total += 1;
    if (!right) its.wrong += 1;
    this.#counts.set(name, its);
  }

  where(is: (wrong: number, total: number) => boolean): ReadonlySet<string> {
    const found = new Set<string>();
    for (const [name, { wrong, total }] of this.#counts) if (is(wrong, total)) found.add(name);
    return found;
  }
}

/**
 * Each partition is lent as many right answers as would show δ by themselves. So it is open before it has evidence of its
 * own, one wrong answer closes it, and enough right ones open it again: it is closed where the upper bound of its error,
 * that loan included, is above δ.
 */
function* closedPartitions(
  proofs: readonly Proof[],
  count: number,
  open: Reached,
  delta: number,
  confidence: number,
): Work<ReadonlySet<string>> {
  const counts = new Counts();
  yield* each(count, (at) => {
    const proof = proofs[at] as Proof;
    if (reaches(open, proof)) counts.add(proof.partition, proof.right);
  });
  const lent = fewestClean(delta, confidence);
  return counts.where((wrong, total) => wrong > 0 && !shows(delta, wrong, lent + total, confidence));
}
