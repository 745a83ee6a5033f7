/** What a server answers to one request, read to its end. */
import { BodyError, parseBody } from '@promptsales/cache-core';
import type { Asked } from '../caching/results.js';
import { answers, McpError, RPC, serverMessage, type ClientMessage, type JsonObject } from '../json-rpc/message.js';
import type { UpstreamResponse } from '../upstream/upstream.js';
import { bytesOf, framesOf, isEventStream } from './inspected-stream.js';
import type { Interim } from './interim.js';

export interface Told {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** An answer of the server that is no result, for him who asked. */
export class Refusal extends Error implements Told {
  constructor(
    readonly status: number,
    readonly headers: Readonly<Record<string, string>>,
    readonly body: Buffer,
  ) {
    super('the server refuses the request');
  }
}

/** The server has closed the stream in front of its answer, which is to be asked for from its last event on. */
export class ToBeContinued extends Error {
  constructor() {
    super('the rest of the answer is to be asked for');
  }
}

const LARGEST_ANSWER_BYTES = 64 * 1024 * 1024;

/**
 * @param interim gets what comes in front of the answer, each when `heed` is done with it
 * @throws McpError when there is no answer; ToBeContinued when there will be one elsewhere
 */
export async function readAnswer(
  { headers, body }: UpstreamResponse,
  message: ClientMessage,
  interim: Interim,
  heed: (sent: JsonObject) => Promise<void>,
): Promise<Asked> {
  if (!isEventStream(headers)) {
    const text = (await wholeOf(body)).toString();
    const answer = serverMessage(text);
    if (answer === null) throw noAnswer(message);
    return { response: answer, faithful: isFaithful(text), interactive: false };
  }
  let interactive = false;
  let named = false;
  for await (const frame of framesOf(body)) {
    if (frame.message !== null && answers(frame.message, message.id)) {
      return { response: frame.message, faithful: isFaithful(frame.text as string), interactive };
    }
    if (frame.message !== null) {
      await heed(frame.message);
      interactive ||= 'id' in frame.message && 'method' in frame.message;
    }
    named ||= frame.named;
    interim.add(frame.bytes);
  }
  throw named ? new ToBeContinued() : noAnswer(message);
}

export function wholeOf(body: AsyncIterable<Buffer>): Promise<Buffer> {
  return bytesOf(body, LARGEST_ANSWER_BYTES);
}

export function noAnswer({ id }: ClientMessage): McpError {
  const message = 'The MCP server ended its answer without the response.';
  return new McpError(502, RPC.internalError, 'upstream_broke_off', message, id);
}

/** The answer to this request, whoever asked for it. */
export function withId(response: JsonObject, { id }: ClientMessage): JsonObject {
  const { id: _id, jsonrpc: _version, ...rest } = response;
  return { jsonrpc: '2.0', id, ...rest };
}

function isFaithful(text: string): boolean {
  try {
    return parseBody(Buffer.from(text)).faithful;
  } catch (error) {
    if (error instanceof BodyError) return false;
    throw error;
  }
}
