/** In so many parts the time is counted. A part is over once, however late this process hears of it. */
const PARTS = 4;

/**
 * The outcome of a question, or a failure once the time is up. Ports promise to answer in time; a probe that hung because one of them
 * did not would take a working process out of service. Time during which this process was held up, and could have heard of no
 * answer, counts for little: a server is not gone for it.
 */
export async function within<T>(question: Promise<T>, withinMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    let parts = 0;
    timer = setInterval(() => {
      parts += 1;
      if (parts === PARTS) reject(new Error(`no answer within ${withinMs} ms`));
    }, withinMs / PARTS);
  });
  try {
    return await Promise.race([question, late]);
  } finally {
    clearInterval(timer);
  }
}
