/**
 * Why bytes could not be read. Every one of these is a miss to the cache, counted by its code; none is a failed request.
 *
 * - `truncated`: the end is missing
 * - `corrupt`: the bytes contradict their own check sum, tag or form
 * - `too_large`: more bytes than the reader admits, before or after decompression
 * - `unknown_version`: our tag, in a version that this process does not know (a newer process wrote it)
 * - `no_key`: encrypted with a key that is not on the key ring, or no key ring was given
 * - `not_authentic`: decryption failed: other bytes, another key's text, or a value copied from another Redis key
 * - `key_invalid`: an encryption key is not 32 bytes of base64 (thrown when the ring is made, not when values are read)
 */
export type CodecErrorCode =
  'truncated' | 'corrupt' | 'too_large' | 'unknown_version' | 'no_key' | 'not_authentic' | 'key_invalid';

export class CodecError extends Error {
  override readonly name = 'CodecError';
  readonly code: CodecErrorCode;

  constructor(code: CodecErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}
