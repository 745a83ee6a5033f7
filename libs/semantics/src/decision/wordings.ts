/**
 * Which wordings are known to ask for the same, and which not: classes that right answers join and wrong ones hold apart.
 * Whoever asks is named by the identity of his request, so a class never reaches beyond a partition.
 */

interface WordingClass {
  members: number;
  right: number;
  wrong: number;
  /** Roots of the classes that were shown to differ; its own where it was shown to differ in itself. */
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
    const storedClass = this.#classes.get(b);
    const apart = storedClass?.apart.has(a) ?? false;
    return { same: a === b && asked !== stored, apart, right: storedClass?.right ?? 0, wrong: storedClass?.wrong ?? 0 };
  }

  learn(asked: string, stored: string, right: boolean): void {
    const a = this.#ownRootOf(asked);
    const b = this.#ownRootOf(stored);
    if (!right) {
      this.#classOf(b).wrong += 1;
      this.#classOf(a).apart.add(b);
      this.#classOf(b).apart.add(a);
      return;
    }
    this.#classOf(a === b ? a : this.#join(a, b)).right += 1;
  }

  /** The smaller into the larger, so that paths stay short and little is moved. Returns the root of both. */
  #join(a: string, b: string): string {
    const [into, from] = weightOf(this.#classOf(a)) > weightOf(this.#classOf(b)) ? [a, b] : [b, a];
    const [larger, smaller] = [this.#classOf(into), this.#classOf(from)];
    this.#parents.set(from, into);
    this.#classes.delete(from);
    larger.members += smaller.members;
    larger.right += smaller.right;
    larger.wrong += smaller.wrong;
    for (const root of smaller.apart) {
      const other = root === from || root === into ? larger : this.#classOf(root);
      other.apart.delete(from);
      other.apart.add(into);
      larger.apart.add(root === from ? into : root);
    }
    return into;
  }

  #classOf(root: string): WordingClass {
    return this.#classes.get(root) as WordingClass;
  }

  #ownRootOf(wording: string): string {
    const root = this.#rootOf(wording);
    if (!this.#classes.has(root)) this.#classes.set(root, { members: 1, right: 0, wrong: 0, apart: new Set() });
    return root;
  }

  #rootOf(wording: string): string {
    let root = wording;
    for (let parent = this.#parents.get(root); parent !== undefined; parent = this.#parents.get(root)) root = parent;
    return root;
  }
}

function weightOf({ members, apart }: WordingClass): number {
  return members + apart.size;
}
