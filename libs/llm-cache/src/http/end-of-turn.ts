/**
 * Resolves when all requests have been read that the present turn of the event loop has brought.
 *
 * Answers that are at hand at once would each go out before the next request is read, and each would wake its client by
 * itself. Sent one behind the other at the turn's end they take two thirds of the processor time under load; alone in
 * its turn, an answer waits for nothing. See docs/decisions/0089.
 */
let end: Promise<void> | null = null;

export function endOfTurn(): Promise<void> {
  end ??= new Promise((resolve) => {
    setImmediate(() => {
      end = null;
      resolve();
    });
  });
  return end;
}
