/**
 * What this process has to remember of keys that are stale: which it is bringing up to date, so that it does so once at a
 * time, and where that failed a moment ago, so that it does not try again at once (a failing origin is not helped by
 * being asked more often).
 */
const MOST_REMEMBERED = 10_000;

export class Refreshes {
  readonly #underWay = new Set<string>();
  readonly #failedUntil = new Map<string, number>();

  /** Begins the work, unless it is under way for this key. It never rejects. */
  begin(key: string, work: () => Promise<void>): void {
    if (this.#underWay.has(key)) return;
    this.#underWay.add(key);
    void work().finally(() => this.#underWay.delete(key));
  }

  failed(key: string, backoffMs: number): void {
    if (backoffMs === 0) return;
    if (this.#failedUntil.size >= MOST_REMEMBERED) this.#failedUntil.clear();
    this.#failedUntil.set(key, performance.now() + backoffMs);
  }

  succeeded(key: string): void {
    this.#failedUntil.delete(key);
  }

  backingOff(key: string): boolean {
    const until = this.#failedUntil.get(key);
    if (until === undefined) return false;
    if (performance.now() < until) return true;
    this.#failedUntil.delete(key);
    return false;
  }
}
