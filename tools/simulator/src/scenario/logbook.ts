import { History, type Life } from '../proof/history.js';
import type { HouseProcess } from './house.js';
import type { Story } from './story.js';

/** What is kept of a run: the history for the proof, the story for a person, and how often what happened. */
export class Logbook {
  readonly history = new History();
  readonly #lives = new Map<HouseProcess, Life>();
  readonly #counts = new Map<string, number>();

  constructor(
    private readonly now: () => number,
    private readonly story: Story | undefined,
  ) {}

  /** The life that begins next. */
  get nextLife(): Life {
    return this.#lives.size;
  }

  begin(process: HouseProcess): void {
    this.#lives.set(process, this.nextLife);
  }

  lifeOf(process: HouseProcess): Life {
    return this.#lives.get(process) as Life;
  }

  get counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }

  /** Something is not as it must be. */
  saw(claim: string, what: string): void {
    this.history.seen.push({ claim, at: this.now(), what });
  }

  count(what: string): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
  }

  tell(who: string, what: string): void {
    this.story?.tell(this.now(), who, what);
  }
}
