/**
 * Keys that we put beside the documented ones, in the same slot: a contract value (a list, a bare JSON array) has no room
 * for anything else. The label is the first literal of the key and reserved for it; the role is the subject's own.
 */
import type { KeyRef } from './family.js';
import { colocate, companionSubject, physicalKey } from './physical-key.js';
import type { Expiry } from './family.js';
import { hash, integerField, optional, textField } from './values/hash-value.js';
import { bytes } from './values/string-values.js';
import type { ValueContract } from './values/value-contract.js';

export interface CompanionDeclaration<C extends ValueContract> {
  readonly id: string;
  readonly label: string;
  readonly description: string;
  readonly value: C;
  readonly expiry: Expiry;
  readonly compress?: boolean;
}

export class Companion<C extends ValueContract = ValueContract> {
  readonly id: string;
  readonly label: string;
  readonly description: string;
  readonly value: C;
  readonly expiry: Expiry;
  readonly compress: boolean;

  constructor(declaration: CompanionDeclaration<C>) {
    this.id = declaration.id;
    this.label = declaration.label;
    this.description = declaration.description;
    this.value = declaration.value;
    this.expiry = declaration.expiry;
    this.compress = declaration.compress ?? false;
    Object.freeze(this);
  }

  /** The physical key beside `subject`. */
  beside(subject: KeyRef, prefix = ''): string {
    return colocate(physicalKey(prefix, subject.key), this.label, prefix);
  }

  /** The physical key that this companion key lies beside, or `undefined` where it is none of ours. */
  subjectOf(companionKey: string, prefix = ''): string | undefined {
    return companionSubject(companionKey, this.label, prefix);
  }
}

export const companions = Object.freeze({
  sidecar: new Companion({
    id: 'cache.sidecar',
    label: 'meta',
    description:
      'What the cache knows of a managed key: tenant, soft expiry, cost of the load, tag versions, fingerprint. Lives as long as its key.',
    value: bytes('sidecar record'),
    expiry: 'caller',
  }),
  lease: new Companion({
    id: 'cache.lease',
    label: 'lease',
    description: 'Who is loading a key at this moment. Lives as long as a load may take.',
    value: bytes('lease token'),
    expiry: 'caller',
  }),
  fence: new Companion({
    id: 'lock.fence',
    label: 'fence',
    description: "The fencing number of a lock's present holder, where it drew one. Lives as long as its lock.",
    value: bytes('decimal number'),
    expiry: 'caller',
  }),
  breaker: new Companion({
    id: 'circuit.breaker.state',
    label: 'breaker',
    description:
      'What only the platform reads of a breaker: `epoch`, `until` (ms), `opens`, `probe`. Lives as long as its key.',
    value: hash({
      epoch: integerField(),
      until: integerField(),
      opens: integerField(),
      probe: optional(textField()),
    }),
    expiry: 'caller',
  }),
  frames: new Companion({
    id: 'llm.frames',
    label: 'frames',
    description:
      'The recorded frames of a streamed answer, packed against the answer beside it in `llm_cache`. Lives as long as its key.',
    value: bytes('frames with their delays, compressed'),
    expiry: 'caller',
  }),
  moves: new Companion({
    id: 'queue.moves',
    label: 'moves',
    description:
      'Entries on their way from a list of an intake to their jobs: by the id of the job when each was taken (ms), its length and its bytes.',
    value: hash({}),
    expiry: 'never',
  }),
});

/** Companions that are parts of cached entries: other forms of the value, stored and removed with it. */
export const entryParts: readonly Companion[] = Object.freeze([companions.frames]);
