/**
 * What is known of how often stored answers are right for questions that are not quite those they were given to, and what
 * may be served because of it.
 *
 * Invariants
 * 1. Every answer that may be served is of a form that was shown to keep δ as a whole, or has a score of at least the limit of
 *    its kind, which was set by observations whose scores
 *    came from weights that were fitted without them (cross-fitting by stored answer), and from what was known before each
 *    of them.
 * 2. What counts towards a limit was drawn without regard to its outcome, or is a report of a wrong answer. A report that
 *    an answer was right teaches, but proves nothing: readers choose what they report.
 * 3. Wordings that are known to ask for the same keep δ by themselves, so does each form in which others are one sentence,
 *    and so do those of no form: the many right answers of one kind never pay for the wrong ones of another.
 * 4. A wrong answer counts at once: what would have served it is shut until the next review.
 * 5. To take an observation in, and to assess a candidate, takes microseconds. What takes longer (`review`, `fit`) is done
 *    in slices, and what is assessed meanwhile goes by what was known before it began and by 4.
 */
import { limitsFor, reaches, SHUT, type Limits, type Proof } from './limits.js';
import { fitLogistic, logitOf, type Example, type WeightPrior } from './logistic.js';
import { Wordings, type Relation } from './wordings.js';
import { each, type Work } from './work.js';

/** One wording's answer for another wording's question. */
export interface Candidate {
  readonly partition: string;
  /** Names the question; the same wording in the same partition has the same name. */
  readonly asked: string;
  /** Names the question whose answer is stored, in the same way. */
  readonly stored: string;
  /** Something forbids to serve it: it is learnt from, but counts towards no limit. */
  readonly objected: boolean;
  /** Something forbids to serve it unless the wordings are known to ask for the same. */
  readonly reserved: boolean;
  /** In which way the two texts are one sentence; null: in none. */
  readonly form: string | null;
  readonly features: readonly number[];
}

export interface Observation extends Candidate {
  readonly right: boolean;
  /** `drawn` by chance, as exploration or audit; `reported` by a reader of an answer that was served. */
  readonly source: 'drawn' | 'reported';
}

export interface Assessment {
  /** On the scale of logits. */
  readonly score: number;
  /** Known to be right often enough. */
  readonly servable: boolean;
  /** The two wordings are known to ask for the same. */
  readonly known: boolean;
}

export interface EvidenceSettings {
  /** Of the text's features, then of `RELATION_FEATURES`. */
  readonly prior: WeightPrior;
  /** So many observations are kept, the latest ones. */
  readonly window: number;
  /** Of the claim that δ is kept, for either kind. */
  readonly confidence: number;
}

export const RELATION_FEATURES = ['known to be the same', 'known to differ', 'right before', 'wrong before'] as const;

interface Seen extends Proof {
  readonly observation: Observation;
  readonly features: readonly number[];
  /** By weights that were fitted without it. */
  score: number;
}

/** What was observed, and what each observation was known to be when it was made. */
class Record {
  readonly seen: Seen[] = [];
  /** Of these, what counts towards limits. */
  readonly proofs: Seen[] = [];
  readonly wordings = new Wordings();

  take(observation: Observation, weights: readonly number[]): Seen {
    const { asked, stored, right, partition, form } = observation;
    const relation = this.wordings.relation(asked, stored);
    const features = allFeatures(observation, relation);
    const known = isKnown(relation);
    const seen = { observation, partition, right, form, features, known, score: logitOf(weights, features) };
    this.seen.push(seen);
    if (isProof(seen)) this.proofs.push(seen);
    this.wordings.learn(asked, stored, right);
    return seen;
  }
}

interface Reviewed extends Limits {
  /** How many observations they take into account. */
  readonly after: number;
}

const NEVER: Reviewed = Object.freeze({ ...SHUT, after: -1 });
const FOLDS = 4;
/** The weights are fitted anew when there are so many times as many observations. */
const GROWTH = 1.2;
const FIRST_FIT = 50;
/** Some twenty weights need no more; it bounds what a fit takes. */
const MOST_EXAMPLES = 4_096;
/** While all goes well, limits follow this share of all observations behind. */
const REVIEW_SHARE = 0.02;

export class Evidence {
  readonly #settings: EvidenceSettings;
  #record = new Record();
  #weights: readonly number[];
  #nextFit = FIRST_FIT;
  /** Of each δ that somebody goes by. */
  readonly #limits = new Map<number, Reviewed>();

  constructor(settings: EvidenceSettings) {
    this.#settings = settings;
    this.#weights = settings.prior.means;
  }

  get size(): number {
    return this.#record.seen.length;
  }

  get weights(): readonly number[] {
    return this.#weights;
  }

  /** In how many partitions nothing is served, at any δ that somebody goes by. */
  get closedPartitions(): number {
    const closed = new Set<string>();
    for (const limits of this.#limits.values()) for (const partition of limits.closed) closed.add(partition);
    return closed.size;
  }

  /** Somebody goes by this δ: it is reviewed from now on. */
  expect(delta: number): void {
    if (!this.#limits.has(delta)) this.#limits.set(delta, NEVER);
  }

  /** In the order in which they were made. */
  add(observations: readonly Observation[]): void {
    for (const observation of observations) this.#shutBy(this.#record.take(observation, this.#weights));
  }

  assess(candidate: Candidate, delta: number): Assessment {
    const relation = this.#record.wordings.relation(candidate.asked, candidate.stored);
    const known = isKnown(relation);
    const score = logitOf(this.#weights, allFeatures(candidate, relation));
    const limits = this.#limits.get(delta) ?? NEVER;
    const forbidden = candidate.objected || (candidate.reserved && !known) || limits.closed.has(candidate.partition);
    return { score, known, servable: !forbidden && reaches(limits, { score, known, form: candidate.form }) };
  }

  /** Whether limits have to follow what was observed since. */
  get reviewDue(): boolean {
    for (const { after } of this.#limits.values()) if (this.#isBehind(after)) return true;
    return false;
  }

  /** Sets the limits that are due. One review or fit at a time. */
  *review(): Work<void> {
    for (const [delta, { after }] of this.#limits) {
      if (this.#isBehind(after)) this.#limits.set(delta, yield* this.#reviewed(this.#record, delta));
    }
    this.#shutBySince(this.#record);
  }

  get fitDue(): boolean {
    return this.size >= this.#nextFit;
  }

  /** Fits the weights anew, and sets all limits by them. One review or fit at a time. */
  *fit(): Work<void> {
    const { window, prior } = this.#settings;
    const { seen } = this.#record;
    // What has left the window is forgotten as if it had never been.
    const record = new Record();
    const from = Math.max(0, seen.length - window);
    const size = seen.length - from;
    yield* each(size, (at) => void record.take((seen[from + at] as Seen).observation, this.#weights));
    const examples = record.proofs.slice(-MOST_EXAMPLES).map((one) => ({ ...exampleOf(one), fold: foldOf(one) }));
    const weights = yield* fitLogistic(examples, prior, this.#weights);
    const without: (readonly number[])[] = [];
    for (let fold = 0; fold < FOLDS; fold += 1) {
      const others = examples.filter((example) => example.fold !== fold);
      without.push(yield* fitLogistic(others, prior, weights));
    }
    yield* each(size, (at) => {
      const one = record.seen[at] as Seen;
      one.score = logitOf(without[foldOf(one)] as readonly number[], one.features);
    });
    const limits = new Map<number, Reviewed>();
    for (const delta of this.#limits.keys()) limits.set(delta, yield* this.#reviewed(record, delta));
    // What came meanwhile was seen by nobody of this.
    for (let at = from + size; at < seen.length; at += 1) record.take((seen[at] as Seen).observation, weights);
    this.#record = record;
    this.#weights = weights;
    for (const [delta, its] of limits) this.#limits.set(delta, its);
    this.#shutBySince(record);
    this.#nextFit = Math.max(size + FIRST_FIT, Math.ceil(size * GROWTH));
  }

  *#reviewed({ proofs, seen }: Record, delta: number): Work<Reviewed> {
    const after = seen.length;
    return { ...(yield* limitsFor(proofs, proofs.length, delta, this.#settings.confidence)), after };
  }

  #isBehind(after: number): boolean {
    return after < 0 || this.size - after > this.size * REVIEW_SHARE;
  }

  /** What came while limits were set was not looked at by them. */
  #shutBySince({ seen }: Record): void {
    for (const [delta, limits] of this.#limits) {
      for (let at = Math.max(limits.after, 0); at < seen.length; at += 1) {
        if (speaksAgainst(limits, seen[at] as Seen)) this.#limits.set(delta, NEVER);
      }
    }
  }

  #shutBy(seen: Seen): void {
    for (const [delta, limits] of this.#limits) if (speaksAgainst(limits, seen)) this.#limits.set(delta, NEVER);
  }
}

function allFeatures({ features }: Candidate, { same, apart, right, wrong }: Relation): readonly number[] {
  return [...features, Number(same), Number(apart), Math.log1p(right), Math.log1p(wrong)];
}

function exampleOf({ features, right }: Seen): Example {
  return { features, right };
}

function isKnown({ same, apart }: Relation): boolean {
  return same && !apart;
}

function isProof({ observation: { objected, reserved, source }, right, known }: Seen): boolean {
  if (objected || (reserved && !known)) return false;
  return source === 'drawn' || !right;
}

function speaksAgainst(limits: Limits, seen: Seen): boolean {
  return !seen.right && isProof(seen) && reaches(limits, seen);
}

function foldOf({ observation: { stored } }: Seen): number {
  let hash = 0;
  for (let at = 0; at < stored.length; at += 1) hash = (Math.imul(hash, 31) + stored.charCodeAt(at)) | 0;
  return (hash >>> 0) % FOLDS;
}
