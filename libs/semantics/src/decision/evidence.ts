/**
 * What is known of how often stored answers are right for questions that are not quite those they were given to, and what
 * may be served because of it.
 *
 * Invariants
 * 1. Every answer that may be served has a score of at least the limit of its δ, which was set by observations whose scores
 *    came from weights that were fitted without them (cross-fitting by stored answer), and from what was known before each
 *    of them.
 * 2. What counts towards a limit was drawn without regard to its outcome, or is a report of a wrong answer. A report that
 *    an answer was right teaches, but proves nothing: readers choose what they report.
 * 3. Wordings that are known to ask for the same keep δ by themselves, and so do all others: the many right answers of one
 *    kind never pay for the wrong ones of the other.
 * 4. A wrong answer counts at once, also before the next fit.
 */
import { fewestClean, shows } from './binomial.js';
import { fitLogistic, logitOf, type Example, type WeightPrior } from './logistic.js';
import { thresholdFor, type Scored } from './threshold.js';
import { Wordings, type Relation } from './wordings.js';

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

interface Seen {
  readonly observation: Observation;
  readonly features: readonly number[];
  readonly known: boolean;
  /** By weights that were fitted without it. */
  score: number;
}

/** What may be served at one δ: from which score on, of either kind, and in which partitions nothing. */
interface Limits {
  readonly known: number | null;
  readonly others: number | null;
  readonly closed: ReadonlySet<string>;
  /** How many observations they take into account. */
  readonly after: number;
}

const FOLDS = 4;
/** The weights are fitted anew when there are so many times as many observations. */
const GROWTH = 1.2;
const FIRST_FIT = 50;
/** A dozen weights need no more; it bounds what a fit takes. */
const MOST_EXAMPLES = 4_096;
/** While all goes well, limits follow this share of all observations behind. */
const REVIEW_SHARE = 0.02;

export class Evidence {
  readonly #settings: EvidenceSettings;
  #seen: Seen[] = [];
  #wordings = new Wordings();
  #weights: readonly number[];
  #nextFit = FIRST_FIT;
  readonly #limits = new Map<number, Limits>();

  constructor(settings: EvidenceSettings) {
    this.#settings = settings;
    this.#weights = settings.prior.means;
  }

  get size(): number {
    return this.#seen.length;
  }

  get weights(): readonly number[] {
    return this.#weights;
  }

  /** In the order in which they were made. */
  add(observations: readonly Observation[]): void {
    for (const observation of observations) this.#take(observation);
    if (this.#seen.length >= this.#nextFit) this.#fit();
  }

  assess(candidate: Candidate, delta: number): Assessment {
    const relation = this.#wordings.relation(candidate.asked, candidate.stored);
    const known = isKnown(relation);
    const score = logitOf(this.#weights, allFeatures(candidate, relation));
    if (candidate.objected || (candidate.reserved && !known)) return { score, known, servable: false };
    const limits = this.#limitsOf(delta);
    return { score, known, servable: reaches(limits, score, known) && !limits.closed.has(candidate.partition) };
  }

  #take(observation: Observation): void {
    const relation = this.#wordings.relation(observation.asked, observation.stored);
    const features = allFeatures(observation, relation);
    const seen = { observation, features, known: isKnown(relation), score: logitOf(this.#weights, features) };
    this.#seen.push(seen);
    this.#wordings.learn(observation.asked, observation.stored, observation.right);
    if (observation.right || !isProof(seen)) return;
    for (const [delta, limits] of this.#limits) {
      if (reaches(limits, seen.score, seen.known)) this.#limits.delete(delta);
    }
  }

  #limitsOf(delta: number): Limits {
    const kept = this.#limits.get(delta);
    const total = this.#seen.length;
    if (kept !== undefined && total - kept.after <= total * REVIEW_SHARE) return kept;
    const limits = this.#newLimits(delta);
    this.#limits.set(delta, limits);
    return limits;
  }

  #newLimits(delta: number): Limits {
    const { confidence } = this.#settings;
    const proofs = this.#seen.filter(isProof);
    const open = {
      known: thresholdFor(scoresOf(proofs, true), delta, confidence),
      others: thresholdFor(scoresOf(proofs, false), delta, confidence),
      after: this.#seen.length,
    };
    const wouldBeServed = proofs.filter((seen) => reaches(open, seen.score, seen.known));
    return { ...open, closed: closedPartitions(wouldBeServed, delta, confidence) };
  }

  #fit(): void {
    const { window, prior } = this.#settings;
    const kept = this.#seen.slice(-window).map(({ observation }) => observation);
    // What has left the window is forgotten as if it had never been.
    this.#seen = [];
    this.#wordings = new Wordings();
    this.#limits.clear();
    for (const observation of kept) this.#take(observation);
    const proofs = this.#seen.filter(isProof);
    const examples = proofs.slice(-MOST_EXAMPLES).map((seen) => ({ ...exampleOf(seen), fold: foldOf(seen) }));
    this.#weights = fitLogistic(examples, prior, this.#weights);
    const without = Array.from({ length: FOLDS }, (_, fold) =>
      fitLogistic(
        examples.filter((example) => example.fold !== fold),
        prior,
        this.#weights,
      ),
    );
    for (const seen of this.#seen) seen.score = logitOf(without[foldOf(seen)] as readonly number[], seen.features);
    this.#nextFit = Math.max(kept.length + FIRST_FIT, Math.ceil(kept.length * GROWTH));
  }
}

function allFeatures({ features }: Candidate, { same, apart, right, wrong }: Relation): readonly number[] {
  return [...features, Number(same), Number(apart), Math.log1p(right), Math.log1p(wrong)];
}

function exampleOf({ features, observation: { right } }: Seen): Example {
  return { features, right };
}

function isKnown({ same, apart }: Relation): boolean {
  return same && !apart;
}

function isProof({ observation: { objected, reserved, source, right }, known }: Seen): boolean {
  if (objected || (reserved && !known)) return false;
  return source === 'drawn' || !right;
}

function scoresOf(proofs: readonly Seen[], known: boolean): Scored[] {
  const scores: Scored[] = [];
  for (const seen of proofs)
    if (seen.known === known) scores.push({ score: seen.score, right: seen.observation.right });
  return scores;
}

function reaches(limits: Pick<Limits, 'known' | 'others'>, score: number, known: boolean): boolean {
  const limit = known ? limits.known : limits.others;
  return limit !== null && score >= limit;
}

/**
 * Each partition is lent as many right answers as would show δ by themselves. So it is open before it has evidence of its
 * own, one wrong answer closes it, and enough right ones open it again: it is closed where the upper bound of its error,
 * that loan included, is above δ.
 */
function closedPartitions(wouldBeServed: readonly Seen[], delta: number, confidence: number): ReadonlySet<string> {
  const counts = new Map<string, { wrong: number; total: number }>();
  for (const { observation } of wouldBeServed) {
    const count = counts.get(observation.partition) ?? { wrong: 0, total: 0 };
    count.total += 1;
    if (!observation.right) count.wrong += 1;
    counts.set(observation.partition, count);
  }
  const lent = fewestClean(delta, confidence);
  const closed = new Set<string>();
  for (const [partition, { wrong, total }] of counts) {
    if (!shows(delta, wrong, lent + total, confidence)) closed.add(partition);
  }
  return closed;
}

function foldOf({ observation: { stored } }: Seen): number {
  let hash = 0;
  for (let at = 0; at < stored.length; at += 1) hash = (Math.imul(hash, 31) + stored.charCodeAt(at)) | 0;
  return (hash >>> 0) % FOLDS;
}
