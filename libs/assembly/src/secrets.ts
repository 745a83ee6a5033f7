import { Secret, type Environment } from '@promptsales/environment';

/** Every secret that the process was given, in each form in which a library could print it. For the log's scrubber. */
export function secretsOf(environment: Environment): string[] {
  return [...new Set(secretsIn(environment).flatMap(forms))];
}

function secretsIn(value: unknown): Secret<unknown>[] {
  if (value instanceof Secret) return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(secretsIn);
}

function forms(secret: Secret<unknown>): string[] {
  const value = secret.reveal();
  if (Array.isArray(value))
    return value
      .filter((part) => Buffer.isBuffer(part))
      .flatMap((bytes) => [bytes.toString('base64'), bytes.toString('hex')]);
  if (typeof value !== 'string') return [];
  const password = /^[a-z][a-z0-9+.-]*:\/\/[^/@:]*:([^@]+)@/i.exec(value)?.[1];
  // A URL as a whole is no secret when nothing in it is.
  if (/^[a-z][a-z0-9+.-]*:/i.test(value) && value.includes('/'))
    return password === undefined ? [] : [password, decoded(password)];
  return [value];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // Not percent-encoded after all: the form that is there is the only one.
    return text;
  }
}
