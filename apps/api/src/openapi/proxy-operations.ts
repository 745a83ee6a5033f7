import type { OpenAPIObject } from '@nestjs/swagger';

type PathItem = OpenAPIObject['paths'][string];
type Operation = NonNullable<PathItem['get']>;

const METHODS = ['get', 'put', 'post', 'delete', 'patch', 'options'] as const;
const PATHS = ['/proxy/{service}', '/proxy/{service}/{path}'] as const;

const DESCRIPTION =
  'Goes to the configured service, below its base URL, with its credentials; what is asked and answered is the service’s own. ' +
  'Kept and served by the rules of HTTP for shared caches (RFC 9111); `Cache-Status` (RFC 9211), `Age` and `x-cache` say what was done.';

/** Calls of configured services, whose schemas are their own. `{path}` stands for any path, slashes included. */
export function proxyOperations(): Record<string, PathItem> {
  return Object.fromEntries(
    PATHS.map((path) => [path, Object.fromEntries(METHODS.map((method) => [method, operationOf(path, method)]))]),
  );
}

const TEXT = { schema: { type: 'string' as const } };

function problem(description: string): Operation['responses'][string] & { description: string } {
  return {
    description,
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/ProblemDetails' } } },
  };
}

function operationOf(path: (typeof PATHS)[number], method: (typeof METHODS)[number]): Operation {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
  return {
    tags: ['Services'],
    summary: 'Call a service through the cache',
    description: DESCRIPTION,
    operationId: `${method}Proxy${names.length === 1 ? 'Root' : ''}`,
    parameters: names.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } })),
    responses: {
      '200': { description: 'What the service answers; any other status likewise' },
      '404': problem('There is no such service, or the service says so'),
      '429': {
        ...problem('The service has been called as often as its `rate_limit` allows, or says so itself'),
        headers: Object.fromEntries(['Retry-After', 'RateLimit', 'RateLimit-Policy'].map((name) => [name, TEXT])),
      },
    },
  };
}
