import { UpstreamError } from './upstream.js';

/**
 * An answer that is given up when nothing of it comes for so long. Time in which nobody reads does not count.
 * @param silence aborted then: whoever reads from the server is to stop
 * @throws UpstreamError `upstream_timeout`
 */
export async function* unlessSilent(
  body: AsyncIterable<Buffer>,
  ms: number,
  silence: AbortController,
): AsyncGenerator<Buffer> {
  const chunks = body[Symbol.asyncIterator]();
  try {
    for (;;) {
      const timer = setTimeout(() => silence.abort(), ms);
      const next = await chunks.next().finally(() => clearTimeout(timer));
      if (silence.signal.aborted) {
        throw new UpstreamError('upstream_timeout', 'The MCP server has begun an answer and does not go on with it.');
      }
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    await chunks.return?.();
  }
}
