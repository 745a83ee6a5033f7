/**
 * Which wordings are known to ask for the same, and which not: classes that right answers join and wrong ones hold apart.
 * Whoever asks is named by the identity of his request, so a class never reaches beyond a partition.
 */

interface WordingClass {
  right: number;
  wrong: number;
  /** Wordings of which one of this class was shown to differ. */
  readonly apart: Set<string>;
}

export interface Relation {
  /** Of one class, though the two may never have been compared themselves. */
  readonly same: boolean;
  /** Their classes were shown to differ. */
  readonly apart: boolean;
  /** How often answers of the stored wording's class were right, and wrong. */
  readonly right: number;
  readonly wrong: number;
}

export class Wordings {
  readonly #parents = new Map<string, string>();
  readonly #classes = new Map<string, WordingClass>();

  relation(asked: string, stored: string): Relation {
    const [a, b] = [this.#rootOf(asked), this.#rootOf(stored)];
    const [askedClass, storedClass] = [this.#classes.get(a), this.#classes.get(b)];
    const apart = this.#holds(askedClass, b) || this.#holds(storedClass, a);
    return { same: a === b && asked !== stored, apart, right: storedClass?.right ?? 0, wrong: storedClass?.wrong ?? 0 };
  }

  learn(asked: string, stored: string, right: boolean): void {
    const a = this.#ownRootOf(asked);
    const b = this.#ownRootOf(stored);
    const [askedClass, storedClass] = [this.#classes.get(a) as WordingClass, this.#classes.get(b) as WordingClass];
    if (!right) {
      storedClass.wrong += 1;
      askedClass.apart.add(stored);
      storedClass.apart.add(asked);
      return;
    }
    if (a !== b) this.#join(a, askedClass, b, storedClass);
    (this.#classes.get(this.#rootOf(stored)) as WordingClass).right += 1;
  }

  /** The smaller into the larger, so that a path to the root stays short. */
  #join(a: string, askedClass: WordingClass, b: string, storedClass: WordingClass): void {
    const aLarger = askedClass.right > storedClass.right;
    const [into, from] = aLarger ? [askedClass, storedClass] : [storedClass, askedClass];
    this.#parents.set(aLarger ? b : a, aLarger ? a : b);
    into.right += from.right;
    into.wrong += from.wrong;
    for (const wording of from.apart) into.apart.add(wording);
    this.#classes.delete(aLarger ? b : a);
  }

  #holds(wordingClass: WordingClass | undefined, root: string): boolean {
    for (const wording of wordingClass?.apart ?? []) if (this.#rootOf(wording) === root) return true;
    return false;
  }

  #ownRootOf(wording: string): string {
    const root = this.#rootOf(wording);
    if (!this.#classes.has(root)) this.#classes.set(root, { right: 0, wrong: 0, apart: new Set() });
    return root;
  }

  #rootOf(wording: string): string {
    let root = wording;
    for (let parent = this.#parents.get(root); parent !== undefined; parent = this.#parents.get(root)) root = parent;
    return root;
  }
}
