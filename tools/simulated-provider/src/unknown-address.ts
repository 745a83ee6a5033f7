/** What OpenAI says of an address that its API does not have: aimock leaves out `param` and `code`. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Mountable } from '@copilotkit/aimock';
import { sendJson } from './http-json.js';

/** First parts of the paths behind `/v1` that aimock answers, of any provider. */
const KNOWN = new Set(
  (
    'audio batches chat completions embeddings files fine_tuning images live messages models moderations music projects ' +
    'realtime responses sound-generation text-to-speech text-to-voice videos voices _requests'
  ).split(' '),
);

/** To be mounted behind everything else. */
export const UNKNOWN_ADDRESS: Mountable = {
  handleRequest(request: IncomingMessage, response: ServerResponse, path: string): Promise<boolean> {
    if (KNOWN.has(path.split('/')[1] ?? '')) return Promise.resolve(false);
    const message = `Invalid URL (${request.method} /v1${path})`;
    sendJson(response, 404, { error: { message, type: 'invalid_request_error', param: null, code: null } });
    return Promise.resolve(true);
  },
};
