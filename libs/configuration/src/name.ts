import { ConfigurationError } from './configuration-error.js';

const LONGEST_NAME = 200;

/**
 * What a provider, a configuration or a client is called: printable text that PostgreSQL can hold. Separators and globs may
 * stand in it: the keyspace escapes them.
 * @throws ConfigurationError `configuration_invalid`
 */
export function checkedName(name: string, field: string): string {
  const fits =
    name.length > 0 &&
    name.length <= LONGEST_NAME &&
    name === name.trim() &&
    name.isWellFormed() &&
    !/[\p{Cc}\u2028\u2029]/u.test(name);
  if (fits) return name;
  const message = `must be a text of 1 to ${LONGEST_NAME} printable characters without blanks around it`;
  throw new ConfigurationError('configuration_invalid', `${field}: ${message}`, [{ path: field, message }]);
}
