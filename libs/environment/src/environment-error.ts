/** One variable that cannot be used. No field ever holds a secret. */
export interface VariableProblem {
  readonly variable: string;
  /** What was found: `got "abc"`, `got a value of 12 characters`, `is not set`. */
  readonly found: string;
  /** What is needed instead. */
  readonly takes: string;
}

/** Every variable that keeps the process from starting, a line each. */
export class EnvironmentError extends Error {
  readonly code = 'environment_invalid';
  readonly problems: readonly VariableProblem[];

  constructor(problems: readonly VariableProblem[]) {
    const count = problems.length === 1 ? 'An environment variable' : `${problems.length} environment variables`;
    super([`${count} cannot be used:`, ...problems.map((problem) => `  ${lineOf(problem)}`)].join('\n'));
    this.name = 'EnvironmentError';
    this.problems = problems;
  }
}

function lineOf(problem: VariableProblem): string {
  return `${problem.variable}: ${problem.found}; ${problem.takes}`;
}

const LONGEST_SHOWN = 60;

/** What a variable got, fit to be printed: a secret only by its length, anything else quoted, escaped and cut. */
export function found(text: string, secret: boolean): string {
  const characters = [...text].length;
  if (!secret) {
    const shown = characters > LONGEST_SHOWN ? `${[...text].slice(0, LONGEST_SHOWN).join('')}…` : text;
    return `got ${JSON.stringify(shown)}`;
  }
  const scheme = /^(https?|wss?|rediss?|postgres(?:ql)?|mongodb(?:\+srv)?|mysql|file|s3):\/\//i.exec(text)?.[0];
  const begins = scheme === undefined ? '' : ` that begins with ${scheme.toLowerCase()}`;
  return `got a value of ${characters} character${characters === 1 ? '' : 's'}${begins}`;
}
