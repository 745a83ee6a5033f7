/** What happened, line by line, for a person who wants to understand a failing schedule. */
export class Story {
  readonly #lines: string[] = [];

  tell(at: number, who: string, what: string): void {
    this.#lines.push(`${at.toFixed(2).padStart(10)}  ${who.padEnd(6)} ${what}`);
  }

  get text(): string {
    return this.#lines.join('\n');
  }
}
