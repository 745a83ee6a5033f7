import type { OpenAPIObject } from '@nestjs/swagger';
import { ProblemError } from '@promptsales/http-edge';
import type { FastifyInstance } from 'fastify';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** The page works without the internet: its parts come from the installed package, and nothing else may load. */
const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

const ASSET_TYPES = {
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'swagger-ui.css': 'text/css; charset=utf-8',
  'favicon-32x32.png': 'image/png',
} as const;

const START_SCRIPT = `SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#docs',
  deepLinking: true,
  persistAuthorization: false,
  validatorUrl: null,
});
`;

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>PromptSales Cache: API</title>
    <link rel="icon" type="image/png" href="/docs/favicon-32x32.png">
    <link rel="stylesheet" href="/docs/swagger-ui.css">
  </head>
  <body>
    <div id="docs"></div>
    <script src="/docs/swagger-ui-bundle.js"></script>
    <script src="/docs/start.js"></script>
  </body>
</html>
`;

interface Asset {
  readonly bytes: Buffer;
  readonly type: string;
  readonly etag: string;
}

/** `/openapi.json` and the page that shows it. The document is made once, after every route is known. */
export function serveDocs(instance: FastifyInstance, document: () => OpenAPIObject): void {
  const assets = loadAssets();
  let json: string | undefined;

  instance.get('/openapi.json', (_request, reply) => {
    json ??= JSON.stringify(document());
    void reply.header('content-type', 'application/json; charset=utf-8').header('cache-control', 'no-cache').send(json);
  });
  for (const path of ['/docs', '/docs/']) {
    instance.get(path, (_request, reply) => {
      void reply
        .header('content-type', 'text/html; charset=utf-8')
        .header('content-security-policy', CONTENT_SECURITY_POLICY)
        .header('x-content-type-options', 'nosniff')
        .header('cache-control', 'no-cache')
        .send(PAGE);
    });
  }
  instance.get<{ Params: { asset: string } }>('/docs/:asset', (request, reply) => {
    const asset = assets.get(request.params.asset);
    if (asset === undefined) throw new ProblemError('not_found', 'The page has no such part.');
    void reply.header('etag', asset.etag).header('cache-control', 'public, max-age=3600');
    if (request.headers['if-none-match'] === asset.etag) {
      void reply.code(304).send();
      return;
    }
    void reply.header('content-type', asset.type).header('x-content-type-options', 'nosniff').send(asset.bytes);
  });
}

function loadAssets(): ReadonlyMap<string, Asset> {
  const folder = join(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'), '..');
  const files = Object.entries(ASSET_TYPES).map(([name, type]): [string, Asset] => [
    name,
    assetOf(readFileSync(join(folder, name)), type),
  ]);
  return new Map([...files, ['start.js', assetOf(Buffer.from(START_SCRIPT), 'text/javascript; charset=utf-8')]]);
}

function assetOf(bytes: Buffer, type: string): Asset {
  return { bytes, type, etag: `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"` };
}
