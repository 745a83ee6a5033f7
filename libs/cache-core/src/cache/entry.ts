import { companions, type Companion } from '../keyspace/companion.js';
import type { KeyRef } from '../keyspace/family.js';
import { colocate } from '../keyspace/physical-key.js';
import { placedKey } from '../keyspace/placed-key.js';
import type { Stored } from './stored.js';

/** What an entry can be invalidated by beside its key. */
export interface EntryLabels {
  /** One group that the entry belongs to. It is no part of the key. */
  readonly namespace?: string;
  /** At most `MOST_TAGS` (64). What an entry is found under is what it was stored with, not what a later reader names. */
  readonly tags?: readonly string[];
}

/** What to read of an entry and how to make sense of the bytes. `decode` may throw: that reads as a miss. */
export interface Reading<T> {
  readonly ref: KeyRef;
  /** The entry's parts, in a fixed order: other forms of the same answer, each in a key beside the value's. */
  readonly parts?: readonly Companion[];
  /** Which part to read beside the value: `decode` gets it second, where the entry has it. */
  readonly part?: Companion;
  /**
   * What the entry is stored under, to be invalidated by. A reader that names the labels of an entry saves the second
   * trip in which their versions are read otherwise.
   */
  readonly labels?: EntryLabels;
  /** What this reader takes for "the origin has no value". Without it, an entry that says so is a miss. */
  readonly absence?: T;
  readonly decode: (stored: Stored, note: string) => T;
}

/** What names an entry: where its value lies, which parts it has, and what it is stored under. */
export type Entry = Pick<Reading<unknown>, 'ref' | 'parts' | 'labels'>;

/** The keys of one entry, prefix included, all in one cluster slot. */
export interface EntryKeys {
  readonly value: string;
  readonly sidecar: string;
  readonly lease: string;
  readonly parts: readonly string[];
}

/** @param clustered matters to families that are no cache, and have a hash tag there */
export function keysOf(entry: Entry, keyPrefix: string, clustered = false): EntryKeys {
  const value = placedKey(keyPrefix, entry.ref, clustered);
  return {
    value,
    sidecar: colocate(value, companions.sidecar.label, keyPrefix),
    lease: colocate(value, companions.lease.label, keyPrefix),
    parts: entry.parts === undefined ? [] : entry.parts.map((part) => colocate(value, part.label, keyPrefix)),
  };
}

/** The key of the part that is read beside the value. */
export function partKey(reading: Reading<unknown>, keys: EntryKeys): string | null {
  return reading.part === undefined ? null : (keys.parts[partIndex(reading)] as string);
}

export function partIndex(reading: Reading<unknown>): number {
  const index = reading.part === undefined ? -1 : (reading.parts?.indexOf(reading.part) ?? -1);
  if (index < 0) throw new RangeError(`${reading.ref.family.id}: the part that is read is none of the entry's parts`);
  return index;
}
