/** What the processes saw, one line each, written as it happens so that a process that is killed leaves what it saw. */
import type { Reach } from './entries.js';

export type Source =
  /** This process's own memory. */
  | 'l1'
  | 'redis'
  /** From Redis or from this process's own memory, past its freshness, while it is loaded anew. */
  | 'stale'
  | 'stale l1'
  /** Loaded by this call, by another of this process, or by another process. */
  | 'loaded'
  | 'joined'
  | 'followed';

export interface ReadRecord {
  readonly what: 'read';
  readonly process: string;
  readonly entry: number;
  readonly began: number;
  readonly ended: number;
  readonly source: Source;
  readonly version: number;
  /** Redis could not be asked on the way. */
  readonly bypassed: boolean;
}

export interface FailureRecord {
  readonly what: 'failure';
  readonly process: string;
  readonly entry: number;
  readonly began: number;
  readonly ended: number;
  readonly error: string;
  /** The origin itself refused: nobody could have answered. */
  readonly originFailed: boolean;
}

/** The origin was changed, then what is cached of it was invalidated. */
export interface WriteRecord {
  readonly what: 'write';
  readonly process: string;
  readonly reach: Reach;
  /** What the origin has since. */
  readonly version: number;
  readonly began: number;
  readonly returned: number;
  /** Redis could not be asked: kept by the process. */
  readonly pending: boolean;
}

/** A link of the process became usable, or stopped to be. */
export interface LinkRecord {
  readonly what: 'link';
  readonly process: string;
  readonly at: number;
  readonly state: string;
  readonly reason: string;
}

export type HistoryRecord = ReadRecord | FailureRecord | WriteRecord | LinkRecord;

/** The records of a file; a last line that was cut short by a kill is none. */
export function parseRecords(text: string): HistoryRecord[] {
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as HistoryRecord);
}
