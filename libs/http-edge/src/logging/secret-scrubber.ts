/**
 * The last line of defence for logs: whatever a library puts into a message or an error, a known secret and anything
 * that has the form of one is replaced before the line leaves the process. The first line is not to log headers or bodies.
 */

const REDACTED = '[redacted]';

/** Shorter values would blank out ordinary words. */
const SHORTEST_SECRET = 6;

const FORMS: readonly (readonly [RegExp, string])[] = [
  [/\b(Bearer|Basic)\s+[\w.~+/=-]{6,}/gi, `$1 ${REDACTED}`],
  // From `://` on, both sides bounded: a scheme sought from every letter of a long line, or a password to the line's end from every
  // `://`, is quadratic.
  [/(:\/\/)[^\s"'/@]{1,2048}@/g, `$1${REDACTED}@`],
  [/\b(psk|sk|pk|rk|ghp|gho|xox[abp])[-_][\w-]{8,}/g, `$1-${REDACTED}`],
];

export class SecretScrubber {
  readonly #known: readonly string[];

  /** @param secrets values of this process that must not appear in any line */
  constructor(secrets: Iterable<string>) {
    const known = new Set<string>();
    for (const secret of secrets) {
      if (secret.length < SHORTEST_SECRET) continue;
      known.add(secret);
      known.add(JSON.stringify(secret).slice(1, -1));
      known.add(encodeURIComponent(secret));
    }
    // The longest first: a secret that contains another must go as a whole.
    this.#known = [...known].toSorted((left, right) => right.length - left.length);
  }

  scrub(line: string): string {
    let scrubbed = line;
    for (const secret of this.#known) {
      if (scrubbed.includes(secret)) scrubbed = scrubbed.replaceAll(secret, REDACTED);
    }
    for (const [form, replacement] of FORMS) scrubbed = scrubbed.replace(form, replacement);
    return scrubbed;
  }
}
