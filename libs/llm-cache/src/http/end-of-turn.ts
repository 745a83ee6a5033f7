/**
 * Resolves when all requests have been read that the present turn of the event loop has brought, or when the first of
 * them has waited so long that it should wait no more.
 *
 * Answers that are at hand at once would each go out before the next request is read, and each would wake its client by
 * itself. Sent one behind the other at the turn's end they take two thirds of the processor time under load; alone in
 * its turn, an answer waits for nothing. See docs/decisions/0089.
 */
const LONGEST_WAIT_MS = 1;

interface Turn {
  readonly began: number;
  readonly ended: Promise<void>;
  readonly end: () => void;
}

let turn: Turn | null = null;

/** @param now milliseconds on the clock of `performance.now()` */
export function endOfTurn(now: number): Promise<void> {
  turn ??= beginTurn(now);
  const { ended } = turn;
  if (now - turn.began >= LONGEST_WAIT_MS) turn.end();
  return ended;
}

function beginTurn(began: number): Turn {
  const { promise, resolve } = Promise.withResolvers<void>();
  const begun: Turn = {
    began,
    ended: promise,
    end: () => {
      clearImmediate(immediate);
      turn = null;
      resolve();
    },
  };
  const immediate = setImmediate(begun.end);
  return begun;
}
