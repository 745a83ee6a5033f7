import { type ArgumentsHost, Catch, type HttpServer } from '@nestjs/common';
import { BaseExceptionFilter } from '@nestjs/core';
import { KeyspaceError } from '../keyspace/keyspace-error.js';

/**
 * Answers 400 with problem details (RFC 9457) where a key segment does not have its shape, instead of 500. For
 * controllers whose segments come from their callers: `@UseFilters(SegmentShapeFilter)`, or `APP_FILTER` for all of them.
 * Every other `KeyspaceError` stays what it is, a defect.
 *
 * When not to use it: where segments are made by the application itself. One of the wrong shape is its own mistake.
 *
 * @since 0.2.0
 */
@Catch(KeyspaceError)
export class SegmentShapeFilter extends BaseExceptionFilter<KeyspaceError> {
  override catch(error: KeyspaceError, host: ArgumentsHost): void {
    if (error.code !== 'segment_shape' || host.getType() !== 'http') {
      // oxlint-disable-next-line promise/valid-params, promise/no-promise-in-callback -- a filter's `catch`, no promise's
      super.catch(error, host);
      return;
    }
    const adapter = this.httpAdapterHost?.httpAdapter as HttpServer;
    const http = host.switchToHttp();
    const response: unknown = http.getResponse();
    const [path] = (adapter.getRequestUrl?.(http.getRequest()) ?? '').split('?');
    adapter.setHeader(response, 'content-type', 'application/problem+json; charset=utf-8');
    // As a text: what is given as an object some adapters label as JSON themselves.
    adapter.reply(response, JSON.stringify(problemOf(error, path ?? '')), 400);
  }
}

function problemOf({ code, message }: KeyspaceError, instance: string): object {
  return {
    type: `urn:promptsales:error:${code}`,
    title: 'The request does not have the expected shape',
    status: 400,
    detail: message,
    instance,
    code,
  };
}
