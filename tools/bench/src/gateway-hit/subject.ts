/** A server under comparison: the same request to each must give the same answer. */
export interface Subject {
  readonly name: string;
  readonly address: string;
  readonly pid: number;
}
