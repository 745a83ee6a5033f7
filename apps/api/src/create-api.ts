import { createEdgeService, versionOf, type EdgeService, type Running } from '@promptsales/assembly';
import type { Environment } from '@promptsales/environment';
import { anonymousPrincipal } from '@promptsales/identity';
import type { FastifyInstance } from 'fastify';
import { accessRules } from './access/access-rules.js';
import { ApiModule } from './api.module.js';
import { serveDocs } from './openapi/docs-page.js';
import { openApiDocument } from './openapi/document.js';

export type Api = EdgeService;

/** The API, initialised and not yet listening. Whoever calls closes it. */
export function createApi(environment: Environment, running: Running): Promise<Api> {
  return createEdgeService({
    ...running,
    name: 'api',
    environment,
    access: accessRules({ metricsPublic: environment.operations.metricsPublic }),
    anonymous: anonymousPrincipal(environment.identity.anonymousScopes),
    bodyLimitBytes: environment.api.maxBodyBytes,
    module: (parts) => ApiModule.forRoot(parts),
    routes: (app, adapter) =>
      serveDocs(adapter.getInstance<FastifyInstance>(), () =>
        openApiDocument(app, versionOf(import.meta.dirname), adapter.routes.all()),
      ),
  });
}
