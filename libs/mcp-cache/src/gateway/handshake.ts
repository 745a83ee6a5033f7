/** The beginning of a session: what was agreed is in the answer, and belongs into a header in front of it. */
import type { ListKind } from '../caching/cacheable.js';
import { answers, isObject, serverMessage, type ClientMessage, type JsonObject } from '../json-rpc/message.js';
import { SessionSeal, type Session } from '../session/session-seal.js';
import type { UpstreamResponse } from '../upstream/upstream.js';
import { hashOf } from './context.js';
import { clientHeaders, type McpReply } from './exchange.js';
import { framesOf, isEventStream, resumed } from './inspected-stream.js';
import { noAnswer, wholeOf } from './server-answer.js';

export interface HandshakeParts {
  /** What the client will call the session. */
  readonly named: (session: Session) => string;
  readonly heed: (sent: JsonObject) => Promise<void>;
}

/** @throws McpError when the server ends its answer without one */
export async function agreed(
  response: UpstreamResponse,
  message: ClientMessage,
  { named, heed }: HandshakeParts,
): Promise<McpReply> {
  const { status, body } = response;
  const headers = clientHeaders(response.headers, undefined);
  if (status !== 200) return { status, headers, body };
  const whole = (answer: JsonObject | null): Record<string, string> => {
    const session = sessionOf(message, answer, response.headers['mcp-session-id'] ?? null);
    return session === null ? headers : { ...headers, 'mcp-session-id': named(session) };
  };
  if (!isEventStream(response.headers)) {
    const bytes = await wholeOf(body);
    return { status, headers: whole(serverMessage(bytes.toString())), body: bytes };
  }
  const read: Buffer[] = [];
  const frames = framesOf(body);
  for (let next = await frames.next(); next.done !== true; next = await frames.next()) {
    read.push(next.value.bytes);
    const sent = next.value.message;
    if (sent === null) continue;
    if (answers(sent, message.id)) return { status, headers: whole(sent), body: resumed(read, frames, heed) };
    await heed(sent);
  }
  throw noAnswer(message);
}

/** Null: nothing was agreed. */
function sessionOf({ params }: ClientMessage, answer: JsonObject | null, upstreamId: string | null): Session | null {
  const result = answer?.['result'];
  if (!isObject(result) || typeof result['protocolVersion'] !== 'string') return null;
  return {
    id: SessionSeal.newId(),
    upstreamId,
    protocolVersion: result['protocolVersion'],
    capabilities: hashOf(params['capabilities']),
    told: toldOf(result['capabilities']),
  };
}

function toldOf(capabilities: unknown): ListKind[] {
  if (!isObject(capabilities)) return [];
  return (['tools', 'prompts', 'resources'] as const).filter((kind) => {
    const said = capabilities[kind];
    return isObject(said) && said['listChanged'] === true;
  });
}
