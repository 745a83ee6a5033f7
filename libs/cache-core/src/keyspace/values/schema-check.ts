import type { Static, TSchema } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';
import { KeyspaceError, type ValueIssue } from '../keyspace-error.js';

const MOST_ISSUES = 10;

/** A schema compiled at its first use, since most processes touch few families. */
export class SchemaCheck<S extends TSchema> {
  readonly schema: S;
  #validator: Validator | undefined;

  constructor(schema: S) {
    this.schema = schema;
  }

  /** For what a caller wants to write. */
  accept(value: unknown): void {
    if (!this.#compiled().Check(value)) throw this.#refusal('value_shape', value);
  }

  /** For what Redis holds. */
  recognise(value: unknown): Static<S> {
    if (!this.#compiled().Check(value)) throw this.#refusal('value_unreadable', value);
    return value as Static<S>;
  }

  #compiled(): Validator {
    this.#validator ??= Compile(this.schema);
    return this.#validator;
  }

  #refusal(code: 'value_shape' | 'value_unreadable', value: unknown): KeyspaceError {
    const issues: ValueIssue[] = this.#compiled()
      .Errors(value)
      .slice(0, MOST_ISSUES)
      .map((error) => ({ path: error.instancePath, message: error.message }));
    const where = issues.map((issue) => `${issue.path || '/'} ${issue.message}`).join('; ');
    return new KeyspaceError(code, `the value does not have its family's shape: ${where}`, { issues });
  }
}
