import { hash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

/**
 * `psk_<id>_<secret><checksum>`: a prefix that secret scanners can look for, the id by which a leaked key can be found and
 * revoked, 256 bits of secret, and a CRC-32 that tells a mistyped or made-up key without asking anybody.
 */
const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

const ID_BYTES = 12;
const ID_LENGTH = 17;
const SECRET_BYTES = 32;
const SECRET_LENGTH = 43;
const CHECKSUM_LENGTH = 6;

const SHAPE = new RegExp(`^psk_[0-9A-Za-z]{${ID_LENGTH}}_[0-9A-Za-z]{${SECRET_LENGTH + CHECKSUM_LENGTH}}$`);

export interface NewKey {
  readonly id: string;
  /** The whole key. Shown once, stored nowhere. */
  readonly key: string;
  readonly hash: Buffer;
}

export function newKey(random: (size: number) => Buffer = randomBytes): NewKey {
  const id = base62(random(ID_BYTES), ID_LENGTH);
  const body = `psk_${id}_${base62(random(SECRET_BYTES), SECRET_LENGTH)}`;
  const key = body + checksum(body);
  return { id, key, hash: hash('sha256', key, 'buffer') };
}

/** False for what no key of ours can be; nothing needs to be looked up for it. */
export function isKeyShaped(presented: string): boolean {
  if (!SHAPE.test(presented)) return false;
  return presented.endsWith(checksum(presented.slice(0, -CHECKSUM_LENGTH)));
}

/** False for what no id of ours can be; some of it (a NUL) PostgreSQL would not even take as a text. */
export function isKeyId(text: string): boolean {
  return text.length === ID_LENGTH && /^[0-9A-Za-z]+$/.test(text);
}

function checksum(text: string): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc32(text));
  return base62(bytes, CHECKSUM_LENGTH);
}

/** All bits of `bytes` in digits of base 62, padded to a fixed length. */
function base62(bytes: Buffer, length: number): string {
  let number = BigInt(`0x${bytes.toString('hex')}`);
  let text = '';
  for (let digit = 0; digit < length; digit += 1) {
    text = (ALPHABET[Number(number % 62n)] ?? '') + text;
    number /= 62n;
  }
  return text;
}
