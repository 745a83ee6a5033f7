/** What is denied and absorbed is told here. */
export interface LimitsObserver {
  /** A request was denied by this limit, whoever remembered it. */
  exceeded?(limit: string): void;
  /** Redis could not be asked: the process decided alone, or refused. */
  alone?(limit: string, how: 'decided' | 'refused'): void;
  /** What was taken could not be given back; it counts until its windows end. */
  refundLost?(): void;
}
