import type { Kysely } from 'kysely';
import { MigrationError } from '../errors.js';

/** One step of the schema. Forward only: what went wrong is mended by a further step. */
export interface Migration {
  /** Runs inside one transaction together with every other pending step. */
  up(db: Kysely<unknown>): Promise<void>;
  /**
   * True when a process of the version before cannot work with the schema afterwards (a column dropped, a meaning changed).
   * It then refuses to start on it. Steps that only add things leave it out, so that versions can overlap during a roll-out.
   */
  readonly breaking?: boolean;
}

/** The migrations of one library, by name: `0001_api_keys`. They run in the order of their names. */
export interface MigrationSet {
  readonly library: string;
  readonly migrations: Readonly<Record<string, Migration>>;
}

/**
 * The name under which a step is recorded: `identity/0001_api_keys`, with `!` at the end when it is breaking. The mark must be
 * in the record, since the process that has to heed it does not have the step's code.
 */
function recordedName(library: string, name: string, migration: Migration): string {
  return `${library}/${name}${migration.breaking === true ? BREAKING_MARK : ''}`;
}

export const BREAKING_MARK = '!';

/** All steps by recorded name. Throws `MigrationError` for a set that could not be kept in order. */
export function combined(sets: readonly MigrationSet[]): ReadonlyMap<string, Migration> {
  const steps = new Map<string, Migration>();
  const libraries = new Set<string>();
  for (const { library, migrations } of sets) {
    if (!/^[a-z][a-z0-9-]*$/.test(library) || libraries.has(library)) {
      throw new MigrationError('migration_invalid', `The migration set "${library}" is misnamed or given twice`);
    }
    libraries.add(library);
    const numbers = new Set<string>();
    for (const [name, migration] of Object.entries(migrations)) {
      const number = /^(\d{4})_[a-z0-9_]+$/.exec(name)?.[1];
      if (number === undefined || numbers.has(number)) {
        throw new MigrationError(
          'migration_invalid',
          `The migration ${library}/${name} needs a name such as 0001_what_it_makes, with a number of its own`,
        );
      }
      numbers.add(number);
      steps.set(recordedName(library, name, migration), migration);
    }
  }
  return steps;
}
