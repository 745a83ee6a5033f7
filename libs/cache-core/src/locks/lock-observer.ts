export type LockEvent =
  | 'taken'
  /** It was held by others until the wait was over. */
  | 'held'
  /** Redis could not be asked. */
  | 'unavailable'
  | 'released'
  | 'lost'
  /** Whether it was prolonged is not known; tried again until it is, or is lost. */
  | 'unconfirmed'
  /** Could not be given back: it runs out with its time to live. */
  | 'left'
  /** The hint by which waiters are woken could not be subscribed to: this one only looks at its own pace. */
  | 'unhinted';

/** What locks tell whoever measures them. Called synchronously; `family` is the family's id, no name or tenant is given. */
export interface LockObserver {
  lock?(family: string, event: LockEvent): void;
}
