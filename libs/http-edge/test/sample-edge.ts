import 'reflect-metadata';
import { Body, Controller, Delete, Get, HttpCode, Module, NotFoundException, Param, Post, Req } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Type } from 'class-transformer';
import { IsInt, IsString, Min, MinLength, ValidateNested } from 'class-validator';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { PassThrough } from 'node:stream';
import {
  createEdgeApplication,
  createLogger,
  EdgeAdapter,
  type AccessTable,
  type Principal,
  type ProblemTranslator,
} from '../src/index.js';

export const ADMIN_KEY = 'sample-admin-key-0123456789';
export const LLM_KEY = 'sample-llm-key-0123456789';
export const SLOW_KEY = 'sample-slow-key-0123456789';
export const BROKEN_KEY = 'sample-broken-key-0123456789';

class Leaf {
  @IsInt()
  @Min(1)
  size!: number;
}

class Thing {
  @IsString()
  @MinLength(2)
  name!: string;

  @ValidateNested()
  @Type(() => Leaf)
  leaf!: Leaf;
}

@Controller('things')
class ThingsController {
  @Post()
  create(@Body() thing: Thing): Thing {
    return thing;
  }

  @Get('whoami')
  who(@Req() request: FastifyRequest): object {
    return { client: request.principal?.client ?? null, attribution: request.attribution };
  }

  @Get('secret-failure')
  fail(): never {
    throw new Error('password=hunter2 in postgres://root:hunter2@db/x');
  }

  @Get(':id')
  get(@Param('id') id: string): never {
    throw new NotFoundException(`no thing ${id}`);
  }

  @Delete(':id')
  @HttpCode(204)
  remove(): void {}
}

@Module({ controllers: [ThingsController] })
class SampleModule {}

export const SAMPLE_RULES: AccessTable = {
  'POST /things': { access: 'scope', scopes: ['admin'] },
  'GET /things/whoami': { access: 'scope', scopes: ['mcp', 'llm'] },
  'GET /things/secret-failure': { access: 'open' },
  'GET /things/:id': { access: 'open' },
  'DELETE /things/:id': { access: 'open' },
  'GET /maybe': { access: 'optional' },
  'POST /provider': { access: 'scope', scopes: ['llm'], errors: 'openai' },
  'GET /stream': { access: 'open' },
};

class KeysUnavailable extends Error {
  readonly code = 'database_unavailable';
}

const translators: ProblemTranslator[] = [
  (error) =>
    error instanceof KeysUnavailable
      ? { code: error.code, status: 503, title: 'x', detail: 'later', headers: { 'retry-after': '5' } }
      : undefined,
];

export interface SampleEdge {
  readonly app: NestFastifyApplication;
  readonly adapter: EdgeAdapter;
  readonly fastify: FastifyInstance;
  /** Everything that was logged. */
  readonly logged: () => string;
  readonly answered: string[];
  /** Keys that were passed over. */
  readonly unchecked: () => number;
  /** Lets the streams of `/stream` that have begun say their last. */
  readonly finishStreams: () => void;
}

export interface SampleOptions {
  readonly rules?: AccessTable;
  readonly anonymousScopes?: string[];
  readonly plain?: (instance: FastifyInstance) => void;
  readonly trustedProxies?: string[];
}

/** A small application with every kind of route, initialised and ready for `inject`. */
export async function sampleEdge(options: SampleOptions = {}): Promise<SampleEdge> {
  const lines: string[] = [];
  const destination = new PassThrough();
  destination.on('data', (chunk: Buffer) => lines.push(chunk.toString()));
  const { logger } = createLogger({ service: 'sample', level: 'debug', secrets: [ADMIN_KEY, LLM_KEY], destination });
  const answered: string[] = [];
  let unchecked = 0;
  const adapter = new EdgeAdapter({
    logger,
    access: options.rules ?? SAMPLE_RULES,
    authenticator: { authenticate },
    anonymous: options.anonymousScopes === undefined ? null : principal('anonymous', options.anonymousScopes),
    trustedProxies: options.trustedProxies ?? [],
    translators,
    answered: (method, route, status) => answered.push(`${method} ${route} ${status}`),
    keyUnchecked: () => (unchecked += 1),
  });
  const fastify = adapter.getInstance<FastifyInstance>();
  const streams: PassThrough[] = [];
  (options.plain ?? ((instance) => plainRoutes(instance, streams)))(fastify);
  const app = await createEdgeApplication(SampleModule, adapter, logger);
  await app.init();
  await fastify.ready();
  return {
    app,
    adapter,
    fastify,
    logged: () => lines.join(''),
    answered,
    unchecked: () => unchecked,
    finishStreams: () => {
      for (const stream of streams.splice(0)) stream.end('last\n');
    },
  };
}

function plainRoutes(instance: FastifyInstance, streams: PassThrough[]): void {
  instance.get('/maybe', (request) => ({ known: request.principal !== null }));
  instance.get('/stream', (_request, reply) => {
    const stream = new PassThrough();
    void reply.header('content-type', 'text/plain').send(stream);
    stream.write('first\n');
    streams.push(stream);
    return reply;
  });
  void instance.register((scope, _options, done) => {
    // A provider's routes have a context of their own, with other parsers and errors.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, parsed) => parsed(null, body));
    scope.setErrorHandler((_error, _request, reply) => {
      void reply.code(418).send({ own: true });
    });
    scope.post('/provider', () => ({ fine: true }));
    done();
  });
}

function authenticate(key: string): Principal | null | Promise<Principal | null> {
  if (key === ADMIN_KEY) return principal('admin', ['admin', 'llm']);
  if (key === LLM_KEY) return principal('llm', ['llm']);
  if (key === SLOW_KEY) return Promise.resolve(principal('slow', ['llm']));
  if (key === BROKEN_KEY) return Promise.reject(new KeysUnavailable('postgres://root:hunter2@db/x is gone'));
  return null;
}

function principal(client: string, scopes: string[]): Principal {
  return {
    tenant: 'default',
    keyId: client,
    client,
    scopes: new Set(scopes),
    plan: 'standard',
    admin: client === 'admin',
  };
}
