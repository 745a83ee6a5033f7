import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import type { RegisteredRoute } from '@promptsales/http-edge';
import { proxyOperations } from './proxy-operations.js';
import { PROVIDER_ROUTES, type ProviderRoute } from './provider-routes.js';
import { toJsonSchema2020 } from './json-schema-2020.js';

type PathItem = OpenAPIObject['paths'][string];
type Operation = NonNullable<PathItem['get']>;

export const METHODS = ['get', 'put', 'post', 'delete', 'patch', 'options', 'head'] as const;

const DESCRIPTION = `Nothing is paid for, computed or fetched twice.

Present a key as \`Authorization: Bearer KEY\` or \`x-api-key: KEY\`. Errors are problem details (RFC 9457); routes that speak a
provider's protocol answer errors in the provider's shape. Every answer carries \`x-request-id\`.`;

/** The OpenAPI 3.1 document of everything that is served: Nest's routes from their DTOs, the provider's routes by name. */
export function openApiDocument(
  app: INestApplication,
  version: string,
  routes: readonly RegisteredRoute[],
): OpenAPIObject {
  const base = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('PromptSales Cache')
    .setDescription(DESCRIPTION)
    .setVersion(version)
    .addBearerAuth({ type: 'http', scheme: 'bearer', bearerFormat: 'API key', description: 'An API key' }, 'bearer')
    .addApiKey({ type: 'apiKey', in: 'header', name: 'x-api-key', description: 'An API key' }, 'apiKey')
    .build();
  const document = SwaggerModule.createDocument(app, base, { operationIdFactory: (_controller, method) => method });
  for (const route of PROVIDER_ROUTES) addProviderRoute(document, route);
  Object.assign(document.paths, proxyOperations());
  uniqueOperationIds(document);
  applyAccess(document, routes);
  addProblemDetails(document);
  return toJsonSchema2020(document);
}

function addProviderRoute(document: OpenAPIObject, route: ProviderRoute): void {
  const operation: Operation = {
    tags: [`${route.provider} protocol`],
    summary: route.summary,
    description: route.description,
    operationId: `${route.method}${route.path.replaceAll(/[/_]+(\w)/g, (_match, letter: string) => letter.toUpperCase())}`,
    externalDocs: { description: `${route.provider}'s schema`, url: route.schema },
    parameters: [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => ({
      name,
      in: 'path',
      required: true,
      schema: { type: 'string' },
    })),
    ...(route.takesBody
      ? { requestBody: { required: true, content: { 'application/json': { schema: { type: 'object' } } } } }
      : {}),
    responses: {
      '200': {
        description: `As ${route.provider} answers`,
        content: Object.fromEntries(
          route.answers.map((type) => [type, { schema: { type: type === 'application/json' ? 'object' : 'string' } }]),
        ),
      },
      default: {
        description: `An error in ${route.provider}'s shape`,
        content: { 'application/json': { schema: { type: 'object' } } },
      },
    },
  };
  document.paths[route.path] = { ...document.paths[route.path], [route.method]: operation };
}

/** Handler names repeat between controllers; generated clients want each id once. */
function uniqueOperationIds(document: OpenAPIObject): void {
  const taken = new Set<string>();
  for (const { path, method, operation } of operationsOf(document)) {
    const id = operation.operationId ?? method;
    operation.operationId = taken.has(id) ? `${id}_${method}${path.replaceAll(/\W+/g, '_')}` : id;
    taken.add(operation.operationId);
  }
}

/** Says for each operation which scope it wants, from the table that is enforced. */
function applyAccess(document: OpenAPIObject, routes: readonly RegisteredRoute[]): void {
  const rules = new Map(
    routes.map(({ method, pattern, rule }) => [`${method.toLowerCase()} ${openApiPath(pattern)}`, rule]),
  );
  for (const { path, method, operation } of operationsOf(document)) {
    const rule = rules.get(`${method} ${path}`);
    if (rule === undefined || rule.access === 'open') operation.security = [];
    else if (rule.access === 'optional') operation.security = [{}, { bearer: [] }, { apiKey: [] }];
    else {
      operation.security = [{ bearer: [] }, { apiKey: [] }];
      if (rule.access === 'scope') {
        const scopes = rule.scopes.map((scope) => `\`${scope}\``).join(' or ');
        operation.description = [operation.description, `Scope: ${scopes}.`].filter(Boolean).join('\n\n');
      }
    }
  }
}

function addProblemDetails(document: OpenAPIObject): void {
  const components = (document.components ??= {});
  components.schemas = {
    ...components.schemas,
    ProblemDetails: {
      type: 'object',
      description: 'RFC 9457 problem details; `code` is stable, the wording is not',
      required: ['type', 'title', 'status', 'detail', 'instance', 'code'],
      properties: {
        type: { type: 'string', format: 'uri' },
        title: { type: 'string' },
        status: { type: 'integer' },
        detail: { type: 'string' },
        instance: { type: 'string', format: 'uri-reference' },
        code: { type: 'string' },
        errors: {
          type: 'array',
          items: {
            type: 'object',
            required: ['path', 'message'],
            properties: { path: { type: 'string' }, message: { type: 'string' } },
          },
        },
      },
    },
  };
  for (const { operation } of operationsOf(document)) {
    operation.responses ??= {};
    operation.responses['default'] ??= {
      description: 'An error',
      content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/ProblemDetails' } } },
    };
  }
}

interface PlacedOperation {
  readonly path: string;
  readonly method: (typeof METHODS)[number];
  readonly operation: Operation;
}

/** Every operation of a document with its place. */
export function operationsOf(document: OpenAPIObject): PlacedOperation[] {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const operation = item[method];
      return operation === undefined ? [] : [{ path, method, operation }];
    }),
  );
}

/** Fastify's `/v1/keys/:id` as OpenAPI writes it: `/v1/keys/{id}`; what stands for any path is `{path}`. */
export function openApiPath(pattern: string): string {
  return pattern.replaceAll(/:(\w+)/g, '{$1}').replace(/\*$/, '{path}');
}
