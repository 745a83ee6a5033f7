import { ForbiddenException, Inject, Injectable } from '@nestjs/common';
import {
  Cache,
  entryParts,
  InvalidationOperations,
  presenceOf,
  RedisRoles,
  RedisUnavailableError,
  type FamilyGlob,
  type InvalidationOptions,
  type KeyRef,
  type Presence,
} from '@promptsales/cache-core';
import type { ManagementCaller } from '../management-options.js';
import type { InvalidationRequest, Selection } from './selection.js';

export type Invalidated =
  /** `deleted` null: what is invalidated by a version is not counted. `sample`: of a pattern. */
  | { readonly kind: 'done'; readonly deleted: number | null; readonly sample: readonly string[] | null }
  /** `operation` null: it is not recorded, and is kept by this process. `pending`: this process carries it out later. */
  | { readonly kind: 'accepted'; readonly operation: string | null; readonly pending: boolean };

/** Keys are invalidated one by one, so many at a time. */
const AT_ONCE = 200;
/** A pattern over few keys has ended by then; one over many is followed. */
const STRICT_WAIT_MS = 1000;
const PENDING: Invalidated = Object.freeze({ kind: 'accepted', operation: null, pending: true });

/** Carries out what callers of the HTTP surface want invalidated. */
@Injectable()
export class Invalidator {
  constructor(
    @Inject(Cache) private readonly cache: Cache,
    @Inject(RedisRoles) private readonly roles: RedisRoles,
    @Inject(InvalidationOperations) private readonly operations: InvalidationOperations,
  ) {}

  /**
   * @throws ForbiddenException for a pattern that reaches all tenants
   * @throws TooManyOperationsError
   * @throws RedisUnavailableError for a dry run: it has nothing to say without Redis
   */
  async carryOut(request: InvalidationRequest, caller: ManagementCaller): Promise<Invalidated> {
    const { selection, dryRun, mode: how } = request;
    if (selection.by === 'pattern') return this.#pattern(selection.glob, request, caller);
    if (selection.by === 'keys') return this.#keys(selection.refs, request, caller);
    if (dryRun) return { kind: 'done', deleted: null, sample: null };
    const pending = await this.#versions(selection, caller.tenant, { how });
    return pending ? PENDING : { kind: 'done', deleted: null, sample: null };
  }

  async #pattern(
    glob: FamilyGlob,
    { mode, dryRun }: InvalidationRequest,
    caller: ManagementCaller,
  ): Promise<Invalidated> {
    if (glob.reachesAllTenants && !caller.admin) {
      throw new ForbiddenException(
        `Keys of ${glob.family.id} of all tenants lie side by side: patterns over them want the scope admin. Use tags, a namespace or {"family": "${glob.family.id}"}.`,
      );
    }
    const begun = await this.operations.begin(glob, { dryRun });
    if (begun.kind === 'kept') return PENDING;
    const accepted: Invalidated = { kind: 'accepted', operation: begun.id, pending: begun.waiting };
    if (mode === 'eventual' || begun.waiting) return accepted;
    const end = await within(STRICT_WAIT_MS, begun.ended);
    if (end?.state !== 'done') return accepted;
    return { kind: 'done', deleted: end.progress.deleted, sample: end.progress.sample };
  }

  async #keys(
    refs: readonly KeyRef[],
    { mode, dryRun }: InvalidationRequest,
    { admin }: ManagementCaller,
  ): Promise<Invalidated> {
    let deleted = 0;
    // Also where every key turns out to be another tenant's: the answer must not tell.
    let pending = mode === 'eventual' && !dryRun;
    for (let from = 0; from < refs.length; from += AT_ONCE) {
      const each = refs.slice(from, from + AT_ONCE).map((ref) => this.#key(ref, { how: mode }, dryRun, admin));
      for (const one of await Promise.all(each)) {
        deleted += one.deleted;
        pending ||= one.pending;
      }
    }
    return pending ? PENDING : { kind: 'done', deleted, sample: null };
  }

  async #key(
    ref: KeyRef,
    options: InvalidationOptions,
    dryRun: boolean,
    admin: boolean,
  ): Promise<{ deleted: number; pending: boolean }> {
    const byHash = ref.family.isolatedByIdentity && !admin;
    if (byHash || dryRun) {
      const { there, tenant } = await this.#presence(ref, dryRun);
      if (byHash && tenant !== null && tenant !== ref.tenant) return { deleted: 0, pending: false };
      if (dryRun) return { deleted: there ? 1 : 0, pending: false };
    }
    const { deleted, pending } = await this.cache.invalidate({ ref, parts: entryParts }, options);
    return { deleted: deleted ?? 0, pending };
  }

  /** While Redis is away nobody can say whose it is: to invalidate somebody else's costs him a miss. */
  async #presence(ref: KeyRef, dryRun: boolean): Promise<Presence> {
    try {
      return await presenceOf(ref, this.roles, this.cache.keyPrefix);
    } catch (error) {
      if (dryRun || !(error instanceof RedisUnavailableError)) throw error;
      return { there: false, tenant: null };
    }
  }

  /** Whether any of it is still to be done. */
  async #versions(
    selection: Exclude<Selection, { by: 'keys' | 'pattern' }>,
    tenant: string,
    options: InvalidationOptions,
  ): Promise<boolean> {
    if (selection.by === 'namespace')
      return (await this.cache.invalidateNamespace(selection.namespace, tenant, options)).pending;
    if (selection.by === 'family')
      return (await this.cache.invalidateFamily(selection.family, tenant, options)).pending;
    const each = await Promise.all(selection.tags.map((tag) => this.cache.invalidateTag(tag, tenant, options)));
    return each.some(({ pending }) => pending);
  }
}

async function within<T>(ms: number, work: Promise<T>): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
