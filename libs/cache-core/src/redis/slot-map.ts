import { gistOf, hostOf, SLOTS, successors, type ClusterView, type MovedTo } from './cluster-view.js';

export interface MapChange<N> {
  readonly added: readonly N[];
  readonly removed: readonly N[];
  /** Those that took slots over from one that is gone. */
  readonly successors: readonly N[];
}

/** Which node of a cluster has which slot, as far as we have heard. */
export class SlotMap<N extends object> {
  readonly #make: (address: string) => N;
  #owners: (N | undefined)[] = Array.from({ length: SLOTS });
  #byAddress = new Map<string, N>();
  #addresses = new Map<N, string>();
  /** By each name that a redirection may use. */
  #byName = new Map<string, N>();
  #view: ClusterView | undefined;
  /** What the owners were made from; null after a redirection. */
  #gist: string | null = null;
  /** Each owner once. */
  #serving: ReadonlySet<N | undefined> = new Set([undefined]);
  #changes = 0;

  constructor(make: (address: string) => N) {
    this.#make = make;
  }

  /** Rises whenever a slot changes hands. */
  get changes(): number {
    return this.#changes;
  }

  /** Whether anything has been heard. */
  get known(): boolean {
    return this.#view !== undefined;
  }

  get nodes(): readonly N[] {
    return [...this.#byAddress.values()];
  }

  get addresses(): readonly string[] {
    return [...this.#byAddress.keys()];
  }

  addressOf(node: N): string {
    return this.#addresses.get(node) ?? '';
  }

  ownerOf(slot: number): N | undefined {
    return this.#owners[slot];
  }

  owns(node: N): boolean {
    return this.#serving.has(node);
  }

  /** Whether every slot has an owner of which this is true. */
  everyOwner(so: (node: N) => boolean): boolean {
    for (const owner of this.#serving) if (owner === undefined || !so(owner)) return false;
    return true;
  }

  /** Takes a redirection's word, and resolves whom it means: undefined when that one is not known yet. */
  follow({ kind, slot, address }: MovedTo, from: N): N | undefined {
    // No host means the same host.
    const node = this.#byName.get(address.startsWith(':') ? `${hostOf(this.addressOf(from))}${address}` : address);
    if (node === undefined || kind === 'ask') return node;
    this.#owners[slot] = node;
    // Who had it may serve others; the next look will say.
    if (!this.#serving.has(node)) this.#serving = new Set([...this.#serving, node]);
    this.#gist = null;
    this.#changes += 1;
    return node;
  }

  apply(view: ClusterView): MapChange<N> {
    const gist = gistOf(view);
    if (gist === this.#gist) return { added: [], removed: [], successors: [] };
    this.#gist = gist;
    const before = this.#byAddress;
    const succeeding = this.#view === undefined ? new Set<string>() : successors(this.#view, view);
    const owners = Array.from<N | undefined>({ length: SLOTS });
    const succeeded: N[] = [];
    this.#view = view;
    this.#byAddress = new Map();
    this.#byName = new Map();
    for (const { id, address, names, slots, failed } of view.primaries) {
      // One that is dead and serves nothing is nobody to connect to.
      if (failed && slots.length === 0) continue;
      const node = before.get(address) ?? this.#make(address);
      this.#byAddress.set(address, node);
      for (const name of names) this.#byName.set(name, node);
      for (const { from, to } of slots) owners.fill(node, from, to + 1);
      if (succeeding.has(id)) succeeded.push(node);
    }
    this.#addresses = new Map([...this.#byAddress].map(([address, node]) => [node, address]));
    if (owners.some((owner, slot) => owner !== this.#owners[slot])) this.#changes += 1;
    this.#owners = owners;
    this.#serving = new Set(owners);
    const earlier = new Set(before.values());
    return {
      added: this.nodes.filter((node) => !earlier.has(node)),
      removed: [...earlier].filter((node) => !this.#addresses.has(node)),
      successors: succeeded,
    };
  }
}
