import { isObject } from '../json-object.js';
import type { JsonObject } from '../protocol.js';

/** The request by which the provider streams, and says at the end what it counted. */
export function streamedWithUsage(body: JsonObject): Buffer {
  const options = isObject(body['stream_options']) ? body['stream_options'] : {};
  return Buffer.from(JSON.stringify({ ...body, stream: true, stream_options: { ...options, include_usage: true } }));
}
