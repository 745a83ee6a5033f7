/**
 * How a stored value says what it is, by its first bytes:
 *
 * | bytes | form |
 * |---|---|
 * | `28 B5 2F FD` | a zstd frame (the format's own magic number) |
 * | `C1 50 53 45 vv` | encrypted, version vv |
 * | `C1 50 53 52 vv` | as it is, behind this tag, because it would otherwise be taken for one of the above |
 * | anything else | as it is: JSON, a number, a packed vector |
 *
 * `C1` occurs in no UTF-8 text, so no JSON and no plain text can begin like a tag.
 */
export const ZSTD_MAGIC = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);

const OWN = [0xc1, 0x50, 0x53] as const;
export const ENCRYPTED = Buffer.from([...OWN, 0x45]);
export const VERBATIM = Buffer.from([...OWN, 0x52]);

export const TAG_BYTES = 4;
/** The tag and the version byte behind it. */
export const TAG_AND_VERSION_BYTES = TAG_BYTES + 1;

export type Form = 'plain' | 'zstd' | 'encrypted' | 'verbatim';

export function formOf(bytes: Buffer): Form {
  if (beginsWith(bytes, ZSTD_MAGIC)) return 'zstd';
  if (beginsWith(bytes, ENCRYPTED)) return 'encrypted';
  if (beginsWith(bytes, VERBATIM)) return 'verbatim';
  return 'plain';
}

/** Plain JSON is told by its first byte alone, without a call per tag. */
function beginsWith(bytes: Buffer, tag: Buffer): boolean {
  if (bytes[0] !== tag[0] || bytes.length < tag.length) return false;
  return bytes[1] === tag[1] && bytes[2] === tag[2] && bytes[3] === tag[3];
}
