import type { ValueKind } from './value-kind.js';

/** One variable: its name, how its text is read, and what the configuration page says of it. */
export interface Variable<T> {
  readonly shape: 'single';
  readonly name: string;
  readonly kind: ValueKind<NonNullable<T>>;
  /** Read like a given text; null when there is none. */
  readonly defaultText: string | null;
  readonly required: boolean;
  /** The default as the page names it, where it is not a fixed text. */
  readonly defaultNote: string | null;
  readonly doc: string;
  /** What to do instead, where this version reads the variable and does not follow it; null where it does. */
  readonly notYet: string | null;
  /** Only for its type. */
  readonly phantom?: T;
}

/** Variables with one name per member of a set: `REDIS_URL_SESSIONS`, `TTL_LLM_RESPONSE`. */
export interface VariableSet<Member extends string, T> {
  readonly shape: 'set';
  readonly prefix: string;
  /** What stands for the variable part on the page: `<ROLE>`. */
  readonly placeholder: string;
  /** The members that exist, in their spelling in the environment; null when only the caller knows them. */
  readonly members: ReadonlyMap<string, Member> | null;
  readonly kind: ValueKind<T>;
  readonly doc: string;
}

export interface Section<V> {
  readonly title: string;
  readonly variables: V;
}

export function withDefault<T>(name: string, kind: ValueKind<T>, defaultText: string, doc: string): Variable<T> {
  return {
    shape: 'single',
    name,
    kind: kind as ValueKind<NonNullable<T>>,
    defaultText,
    required: false,
    defaultNote: null,
    doc,
    notYet: null,
  };
}

export function optional<T>(
  name: string,
  kind: ValueKind<T>,
  doc: string,
  defaultNote: string | null = null,
): Variable<T | null> {
  return {
    shape: 'single',
    name,
    kind: kind as ValueKind<NonNullable<T>>,
    defaultText: null,
    required: false,
    defaultNote,
    doc,
    notYet: null,
  };
}

export function required<T>(
  name: string,
  kind: ValueKind<T>,
  doc: string,
  defaultNote: string | null = null,
): Variable<T> {
  return {
    shape: 'single',
    name,
    kind: kind as ValueKind<NonNullable<T>>,
    defaultText: null,
    required: true,
    defaultNote,
    doc,
    notYet: null,
  };
}

/** A variable of a part that is still to come: it is checked, and whoever sets it is told that nothing follows from it. */
export function notYet<T>(variable: Variable<T>, instead = ''): Variable<T> {
  return { ...variable, notYet: instead };
}

export function perMember<Member extends string, T>(
  prefix: string,
  placeholder: string,
  members: readonly Member[] | null,
  kind: ValueKind<T>,
  doc: string,
): VariableSet<Member, T> {
  const bySpelling = members === null ? null : new Map(members.map((member) => [spelled(member), member] as const));
  return { shape: 'set', prefix, placeholder, members: bySpelling, kind, doc };
}

/** A name as it stands in a variable: `llm.response` in `TTL_LLM_RESPONSE`. */
export function spelled(name: string): string {
  return name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_');
}
