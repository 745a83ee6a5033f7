import { inspect } from 'node:util';

/**
 * A value that must not be printed. Whatever turns it into text (a template, JSON, `console.log`, an error message) shows
 * the display form; `reveal()` is the one way to the value, so that every use of a secret can be found by searching for it.
 */
export class Secret<T = string> {
  readonly #value: T;
  readonly #display: string;

  constructor(value: T, display = '[secret]') {
    this.#value = value;
    this.#display = display;
  }

  reveal(): T {
    return this.#value;
  }

  toString(): string {
    return this.#display;
  }

  toJSON(): string {
    return this.#display;
  }

  [inspect.custom](): string {
    return this.#display;
  }
}
