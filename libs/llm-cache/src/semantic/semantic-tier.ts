/**
 * The semantic tier: an answer that was given to another question, where it is known to be right often enough.
 *
 * Invariants
 * 1. It is asked only after the exact tier has said no, and only under a policy that switches it on.
 * 2. Two questions meet only within a partition: everything that could change the answer is equal but the words of the
 *    one user message, and tenant, credential scope and namespace are hashed into its name.
 * 3. Of the answers that it serves, at most the policy's share δ is wrong (see `Evidence`). What it does not know it does not
 *    serve: no evidence, an objection of the gate, a failing or slow embedder, Redis away, each means a miss.
 * 4. Whether a request is explored or audited is drawn without a look at its outcome.
 * 5. Nothing here is waited for by an answer that the provider gives, and nothing here fails a request.
 */
import { type Cache, type RedisRoles, RedisUnavailableError } from '@promptsales/cache-core';
import {
  type AnswerJudge,
  type Candidate,
  compare,
  EmbedderError,
  LexicalJudge,
  profileOf,
} from '@promptsales/semantics';
import type { UpstreamDirectory } from '../gateway/directories.js';
import type { Inquiry } from '../gateway/inquiry.js';
import type { Ledger } from '../ledger/ledger.js';
import type { SemanticPolicy } from '../request/policy.js';
import { BoundedLog } from './bounded-log.js';
import { Embedders } from './embedders.js';
import { EvidencePools, type PoolName } from './evidence-pools.js';
import { partitionOf, poolOf } from './names.js';
import { PartitionIndexes, type PartitionName } from './partition-index.js';
import { questionOf } from './question.js';
import { ServedAnswers } from './served-answers.js';
import { DEFAULT_SEMANTIC, type SemanticSettings } from './semantic-settings.js';
import type { SemanticObserver, SemanticOutcome } from './semantic-observer.js';
import { type TextVector, TextVectors } from './text-vectors.js';

export interface SemanticParts {
  readonly cache: Cache;
  readonly roles: RedisRoles;
  readonly upstreams: UpstreamDirectory;
  readonly ledger: Ledger;
  readonly observer: SemanticObserver;
  /** @default by the words alone */
  readonly judge?: AnswerJudge;
  readonly settings?: Partial<SemanticSettings>;
  /** @default Math.random */
  readonly random?: () => number;
}

/** A request that could be answered by the answer to another, or whose answer could serve another. */
export interface Prospect {
  readonly text: string;
  readonly vector: TextVector;
  readonly partition: PartitionName;
  readonly pool: PoolName;
  /** The question whose answer is most likely to do. */
  readonly nearest: Candidate | null;
  /** Whether what `nearest` has been answered is to be served. Otherwise the provider's answer is compared with it. */
  readonly serve: boolean;
  /** Why that is done; null: it is not. */
  readonly compare: 'audit' | 'exploration' | null;
}

export class SemanticTier {
  readonly judge: AnswerJudge;
  readonly #observer: SemanticObserver;
  readonly #settings: SemanticSettings;
  readonly #random: () => number;
  readonly #embedders: Embedders;
  readonly #vectors: TextVectors;
  readonly #indexes: PartitionIndexes;
  readonly #pools: EvidencePools;
  readonly #served: ServedAnswers;

  constructor({ cache, roles, upstreams, ledger, observer, judge, settings, random }: SemanticParts) {
    this.judge = judge ?? new LexicalJudge();
    this.#observer = observer;
    this.#settings = Object.freeze({ ...DEFAULT_SEMANTIC, ...settings });
    this.#random = random ?? Math.random;
    const log = new BoundedLog(roles, cache.keyPrefix);
    this.#embedders = new Embedders(upstreams, ledger, this.#settings.embedder);
    this.#vectors = new TextVectors(cache);
    this.#indexes = new PartitionIndexes(log, this.#vectors, this.#settings.partition);
    this.#pools = new EvidencePools(log, this.#settings.pool, observer);
    this.#served = new ServedAnswers(cache);
  }

  /** Null: it is nothing to this tier. Never throws. */
  async seek(inquiry: Inquiry, policy: SemanticPolicy): Promise<Prospect | null> {
    const began = performance.now();
    const ends = AbortSignal.timeout(this.#settings.deadlineMs);
    const late = new Promise<never>((_resolve, reject) => {
      ends.addEventListener('abort', () => reject(ends.reason as Error), { once: true });
    });
    try {
      const prospect = await Promise.race([this.#seek(inquiry, policy, ends), late]);
      // Of what is to be served it is not known yet whether it can be.
      if (prospect?.serve !== true) this.#observer.semantic?.(outcomeOf(prospect));
      return prospect;
    } catch (error) {
      this.#observer.semantic?.(this.#absorbed(error, ends));
      return null;
    } finally {
      this.#observer.sought?.((performance.now() - began) / 1000);
    }
  }

  /** Told to whom it concerns; what it makes of the request. */
  #absorbed(error: unknown, ends?: AbortSignal): SemanticOutcome {
    if (ends?.aborted === true && error === ends.reason) return 'late';
    if (error instanceof RedisUnavailableError) return 'away';
    if (error instanceof EmbedderError) this.#observer.embedderFailed?.(error.code);
    else this.#observer.failed?.(error);
    return 'failed';
  }

  async #seek(inquiry: Inquiry, policy: SemanticPolicy, signal: AbortSignal): Promise<Prospect | null> {
    const question = questionOf(inquiry.protocol.id, inquiry.body);
    if (question === null) return null;
    const embedder = this.#embedders.of(policy.embedder, inquiry.ledger, inquiry.hash);
    const partition = partitionOf(inquiry, question, embedder);
    const pool = poolOf(inquiry, embedder, this.judge);
    const [vector, evidence] = await Promise.all([
      this.#vectors.of(question.text, inquiry.tenant, embedder, signal),
      this.#pools.of(pool, policy.delta),
    ]);
    const index = await this.#indexes.of(partition, embedder, signal);
    const prospect = { text: question.text, vector, partition, pool };
    // Drawn here, before anything is known of the request but its question.
    const drawn = this.#random();
    const asked = profileOf(question.text);
    let best: { readonly nearest: Candidate; readonly score: number; readonly servable: boolean } | null = null;
    for (const { similarity, value } of index?.nearest(vector.vector, NEIGHBOURS) ?? []) {
      if (value.answer === inquiry.hash) continue;
      const { objections, reservations, form, features } = compare(asked, profileOf(value.text), similarity);
      const nearest = {
        partition: partition.hash,
        asked: inquiry.hash,
        stored: value.answer,
        objected: objections.length > 0,
        reserved: reservations.length > 0,
        form,
        features,
      };
      const { score, servable } = evidence.assess(nearest, policy.delta);
      if (best === null || rankOf(nearest, score, servable) > rankOf(best.nearest, best.score, best.servable)) {
        best = { nearest, score, servable };
      }
    }
    if (best === null) return { ...prospect, nearest: null, serve: false, compare: null };
    const { auditShare, exploreShare } = this.#settings;
    const { nearest, servable } = best;
    const compared = drawn < exploreShare ? 'exploration' : null;
    return { ...prospect, nearest, serve: servable && drawn >= auditShare, compare: servable ? 'audit' : compared };
  }

  /** What `seek` found to serve cannot be served. */
  unserved(): void {
    this.#observer.semantic?.('gone');
  }

  /** The answer of what `seek` found is not there any more. */
  forget({ partition, nearest }: Prospect): void {
    if (nearest !== null) this.#indexes.forget(partition, nearest.stored);
  }

  /** An answer was served for another question: what its reader may say of it later is known by these ids. Never throws. */
  async served(prospect: Prospect, tenant: string, ids: readonly (string | null)[]): Promise<void> {
    const { nearest, pool } = prospect;
    if (nearest === null) return;
    this.#observer.semantic?.('served');
    await this.#quietly(() => this.#served.remember(tenant, ids, { pool, candidate: nearest }));
  }

  /** A new answer is there: it may serve others from now on. Never throws. */
  async learn({ partition, text, vector }: Prospect, answer: string): Promise<void> {
    await this.#quietly(async () => {
      await this.#indexes.add(partition, answer, text, vector);
      this.#observer.learnt?.();
    });
  }

  /** What the nearest question has been answered would have been right or wrong here. Never throws. */
  async observe({ pool, nearest, compare: why }: Prospect, right: boolean): Promise<void> {
    if (nearest === null || why === null) return;
    await this.#quietly(async () => {
      await this.#pools.add(pool, { ...nearest, right, source: 'drawn' });
      this.#observer.compared?.(right, why);
    });
  }

  /**
   * Somebody says whether an answer that was served was right; counted once.
   * @returns false: no such answer is remembered in this tenant
   * @throws RedisUnavailableError
   */
  async report(tenant: string, id: string, right: boolean): Promise<boolean> {
    const served = await this.#served.take(tenant, id);
    if (served === null) return false;
    await this.#pools.add(served.pool, { ...served.candidate, right, source: 'reported' });
    this.#observer.reported?.(right);
    return true;
  }

  /** Nothing was learnt of an answer. */
  failed(error: unknown): void {
    if (this.#absorbed(error) === 'away') this.#observer.unlearnt?.();
  }

  async #quietly(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (this.#absorbed(error) === 'away') this.#observer.unlearnt?.();
    }
  }
}

/** The nearest may be one to which there is an objection. */
const NEIGHBOURS = 4;

/** What may be served comes before what may not, and what nothing speaks against before the rest. */
function rankOf({ objected, reserved }: Candidate, score: number, servable: boolean): number {
  const probability = 1 / (1 + Math.exp(-score));
  return (servable ? 4 : 0) + (objected ? 0 : 2) + (reserved ? 0 : 1) + probability;
}

function outcomeOf(prospect: Prospect | null): SemanticOutcome {
  if (prospect === null) return 'ineligible';
  if (prospect.nearest === null) return 'alone';
  return prospect.compare === 'audit' ? 'audited' : 'explored';
}
