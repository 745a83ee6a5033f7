import { isIP } from 'node:net';
import { Refusal, type ValueKind } from './value-kind.js';

function kind<T>(takes: string, parse: (text: string) => T): ValueKind<T> {
  return { takes, secret: false, parse };
}

export function integer(least: number, most: number, unit = ''): ValueKind<number> {
  const of = unit === '' ? '' : ` of ${unit}`;
  return kind(`a whole number${of} from ${least} to ${most}`, (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= least && value <= most)) throw new Refusal();
    return value;
  });
}

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
};

/** An amount of bytes, plain or with its unit: `8388608`, `8 MiB`, `10MB`. */
export function bytes(least: number): ValueKind<number> {
  return kind(`a number of bytes, at least ${least}, alone or with KB, MB, GB, KiB, MiB or GiB`, (text) => {
    const match = /^(\d{1,15})\s*([a-z]{0,3})$/i.exec(text);
    const unit = UNITS[(match?.[2] ?? '').toLowerCase()];
    const value = match === null || unit === undefined ? Number.NaN : Number(match[1]) * unit;
    if (!(value >= least && value <= Number.MAX_SAFE_INTEGER)) throw new Refusal();
    return value;
  });
}

export const boolean: ValueKind<boolean> = kind('true or false (1, 0, yes, no, on and off also do)', (text) => {
  const lower = text.toLowerCase();
  if (['true', '1', 'yes', 'on'].includes(lower)) return true;
  if (['false', '0', 'no', 'off'].includes(lower)) return false;
  throw new Refusal();
});

export function oneOf<const T extends string>(...allowed: readonly T[]): ValueKind<T> {
  return kind(`one of ${allowed.join(', ')}`, (text) => {
    const found = allowed.find((candidate) => candidate === text);
    if (found === undefined) throw new Refusal();
    return found;
  });
}

const HOST_NAME = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_][a-z0-9_-]{0,62})*\.?$/i;

export function isHost(text: string): boolean {
  return isIP(text) !== 0 || (HOST_NAME.test(text) && !/^[\d.]+$/.test(text));
}

export const host: ValueKind<string> = kind('a host name or an IP address, without scheme and port', (text) => {
  const bare = /^\[(.+)\]$/.exec(text)?.[1] ?? text;
  if (!isHost(bare)) throw new Refusal();
  return bare;
});

/** A word that has no room for white space or control characters. */
export const word: ValueKind<string> = kind('a name without white space', (text) => {
  if (!/^[\x21-\x7e]{1,255}$/.test(text)) throw new Refusal();
  return text;
});

/** `npx -y @acme/crm-mcp` */
export const words: ValueKind<string> = kind('a name, or one with arguments behind it', (text) => {
  if (!/^[\x21-\x7e]{1,255}(?: [\x21-\x7e]{1,255}){0,20}$/.test(text)) throw new Refusal();
  return text;
});

/** What may be put before every key: nothing that a scan, a cluster or a shell would read as more than text. */
export const keyPrefix: ValueKind<string> = kind(
  'up to 64 letters, digits and . _ : / - (no braces, no globs, no white space)',
  (text) => {
    if (!/^[A-Za-z0-9._:/-]{0,64}$/.test(text)) throw new Refusal();
    return text;
  },
);
