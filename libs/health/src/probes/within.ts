/**
 * The outcome of a question, or a failure once the time is up. Ports promise to answer in time; a probe that hung because one of them
 * did not would take a working process out of service.
 */
export async function within<T>(question: Promise<T>, withinMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${withinMs} ms`)), withinMs);
  });
  try {
    return await Promise.race([question, late]);
  } finally {
    clearTimeout(timer);
  }
}
