/** What OpenAI writes and aimock does not: ids of responses as `resp_…`, and `param` and `code` in every error. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Mountable } from '@copilotkit/aimock';

const RESPONSES = /^\/responses(?:\/|$)/;
const RESPONSE_ID = /"resp-(?=[\w-]{16}")/g;
/** Anthropic's errors have neither. */
const OF_ANTHROPIC = /^\/messages(?:\/|$)/;

/** To be mounted before everything else; it answers nothing itself. */
export const OPENAI_FORMS: Mountable = {
  handleRequest(_request: IncomingMessage, response: ServerResponse, path: string): Promise<boolean> {
    if (RESPONSES.test(path)) rewriting(response, (text) => text.replaceAll(RESPONSE_ID, '"resp_'));
    if (!OF_ANTHROPIC.test(path)) rewriting(response, (text) => (response.statusCode < 400 ? text : wholeError(text)));
    return Promise.resolve(false);
  },
};

/** aimock writes an event, or all of an answer, in one piece. */
function rewriting(response: ServerResponse, rewrite: (text: string) => string): void {
  for (const name of ['write', 'end'] as const) {
    const send = response[name].bind(response) as (...given: unknown[]) => never;
    response[name] = (piece?: unknown, ...more: unknown[]) =>
      send(typeof piece === 'string' ? rewrite(piece) : piece, ...more);
  }
}

function wholeError(text: string): string {
  if (!text.startsWith('{"error":{')) return text;
  try {
    const { error, ...others } = JSON.parse(text) as { readonly error: object };
    return JSON.stringify({ error: { param: null, code: null, ...error }, ...others });
  } catch {
    return text; // a fixture that breaks off in an error
  }
}
