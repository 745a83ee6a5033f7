/** What a loader may answer instead of a value. */

/** The origin has no such thing: remembered for the negative time to live, where there is one. */
export const absent: unique symbol = Symbol('absent');
export type Absent = typeof absent;

/** What the loader was given as `stale` is still so: it is stored anew, with new times, as it is. */
export const unchanged: unique symbol = Symbol('unchanged');
export type Unchanged = typeof unchanged;
