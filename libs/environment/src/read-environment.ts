import { contradictions } from './contradictions.js';
import { EnvironmentError, found, type VariableProblem } from './environment-error.js';
import { nearMisses } from './near-misses.js';
import { Refusal, type ValueKind } from './value-kind.js';
import { spelled, type Section, type Variable, type VariableSet } from './variable.js';
import { VARIABLES } from './variables.js';

type ValueOf<Definition> =
  Definition extends Variable<infer T>
    ? T
    : Definition extends VariableSet<infer Member, infer T>
      ? Readonly<Partial<Record<Member, T>>>
      : never;

type Values = {
  readonly [S in keyof typeof VARIABLES]: {
    readonly [V in keyof (typeof VARIABLES)[S]['variables']]: ValueOf<(typeof VARIABLES)[S]['variables'][V]>;
  };
};

/** What the process was told, checked and frozen. Durations and sizes carry their unit in the name. */
export type Environment = Omit<Values, 'redis'> & {
  readonly redis: Omit<Values['redis'], 'layout'> & { readonly layout: 'databases' | 'single' };
  /** The names that were given a value, as against those that have their default. */
  readonly given: ReadonlySet<string>;
  /** Lines for the log: nothing that keeps the process from starting. */
  readonly warnings: readonly string[];
};

export interface ReadOptions {
  /** Ids of the keyspace's families, so that a `TTL_…` or `CACHE_…` for none of them is warned about and not read. */
  readonly families?: readonly string[];
}

/**
 * Reads every variable of the platform from `env`. An empty value counts as not given, as Compose and Kubernetes write it.
 * Throws `EnvironmentError` naming all variables that cannot be used, or that contradict each other.
 */
export function readEnvironment(env: NodeJS.ProcessEnv, options: ReadOptions = {}): Environment {
  const families = options.families === undefined ? null : new Set(options.families.map(spelled));
  const reader = new Reader(env, families);
  const sections = Object.entries<Section<Record<string, Variable<unknown> | VariableSet<string, unknown>>>>(VARIABLES);
  const values = Object.fromEntries(
    sections.map(([name, section]) => [
      name,
      Object.fromEntries(
        Object.entries(section.variables).map(([field, definition]) => [
          field,
          definition.shape === 'single' ? reader.single(definition) : reader.set(definition),
        ]),
      ),
    ]),
  ) as Values;
  const layout = values.redis.layout ?? (values.redis.clusterNodes === null ? 'databases' : 'single');
  const problems = [...reader.problems, ...contradictions(values, reader.given, reader.refused)];
  if (problems.length > 0) throw new EnvironmentError(problems);
  return deepFreeze({
    ...values,
    redis: { ...values.redis, layout },
    given: reader.given,
    warnings: [...nearMisses(Object.keys(env), families), ...cautions(values), ...reader.unused],
  });
}

class Reader {
  readonly problems: VariableProblem[] = [];
  readonly given = new Set<string>();
  /** Names whose value was refused: nothing more is to be said of them. */
  readonly refused = new Set<string>();
  /** Lines about names that were given and that this version does not follow. */
  readonly unused: string[] = [];
  readonly #env: NodeJS.ProcessEnv;
  readonly #families: ReadonlySet<string> | null;

  constructor(env: NodeJS.ProcessEnv, families: ReadonlySet<string> | null) {
    this.#env = env;
    this.#families = families;
  }

  single(variable: Variable<unknown>): unknown {
    const text = this.#text(variable.name, variable.kind);
    if (variable.notYet !== null && text !== undefined && text !== variable.defaultText) {
      const instead = variable.notYet === '' ? '' : `: ${variable.notYet}`;
      this.unused.push(`${variable.name} is set, and this version does not use it yet${instead}`);
    }
    if (text !== undefined) return this.#parse(variable.name, variable.kind, text);
    if (variable.defaultText !== null) return variable.kind.parse(variable.defaultText);
    if (variable.required) this.#refuse(variable.name, 'is not set', `it takes ${variable.kind.takes}`);
    return null;
  }

  set(variables: VariableSet<string, unknown>): Readonly<Record<string, unknown>> {
    const names = variables.members === null ? this.#spellings(variables.prefix) : [...variables.members];
    const values: [string, unknown][] = [];
    for (const [spelling, member] of names) {
      const name = `${variables.prefix}${spelling}`;
      const text = this.#text(name, variables.kind);
      if (text !== undefined) values.push([member, this.#parse(name, variables.kind, text)]);
    }
    return Object.fromEntries(values.filter(([, value]) => value !== null));
  }

  /** A name of a family that does not exist is read by nobody, so it is not judged either. */
  #spellings(prefix: string): [spelling: string, member: string][] {
    return Object.keys(this.#env)
      .filter((name) => name.startsWith(prefix) && name.length > prefix.length)
      .map((name) => name.slice(prefix.length))
      .filter((spelling) => this.#families?.has(spelling) ?? true)
      .map((spelling) => [spelling, spelling]);
  }

  #text(name: string, kind: ValueKind<unknown>): string | undefined {
    const text = this.#env[name];
    const trimmed = text?.trim();
    if (trimmed === '') return undefined;
    return kind.verbatim === true ? text : trimmed;
  }

  #parse(name: string, kind: ValueKind<unknown>, text: string): unknown {
    this.given.add(name);
    try {
      return kind.parse(text);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const reason = error.message === '' ? '' : ` (${error.message})`;
      return this.#refuse(name, found(text, kind.secret), `it takes ${kind.takes}${reason}`);
    }
  }

  #refuse(variable: string, what: string, takes: string): null {
    this.refused.add(variable);
    this.problems.push({ variable, found: what, takes });
    return null;
  }
}

const GUESSABLE_BELOW = 24;

function cautions(values: Values): string[] {
  const lines: string[] = [];
  if (values.identity.adminApiKey.reveal().length < GUESSABLE_BELOW) {
    lines.push(
      `ADMIN_API_KEY is shorter than ${GUESSABLE_BELOW} characters and may be guessed; openssl rand -hex 32 makes a good one`,
    );
  }
  if (values.identity.anonymousScopes.includes('admin')) {
    lines.push('ANONYMOUS_SCOPES has admin: whoever reaches the port may do everything without a key');
  }
  if (values.redis.clusterNodes !== null || values.redis.sentinels !== null) {
    const topology = values.redis.clusterNodes === null ? 'REDIS_SENTINELS' : 'REDIS_CLUSTER_NODES';
    if (values.redis.url !== null) lines.push(`REDIS_URL is not used, because ${topology} is given`);
  }
  return lines;
}

function deepFreeze<T extends object>(value: T): T {
  for (const part of Object.values(value)) {
    if (typeof part === 'object' && part !== null && !Object.isFrozen(part)) deepFreeze(part);
  }
  return Object.freeze(value);
}
