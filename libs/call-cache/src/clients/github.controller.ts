import { Controller, Get, HttpCode, Inject, Post, Query, Req, Res } from '@nestjs/common';
import {
  ApiBadRequestResponse,
  ApiBearerAuth,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiQuery,
  ApiTags,
} from '@nestjs/swagger';
import {
  Cache,
  CacheAside,
  cacheControlsOf,
  cachedAnswer,
  keyspace,
  serviceTag,
  type WantedAnswer,
} from '@promptsales/cache-core';
import { ProblemError } from '@promptsales/http-edge';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CALL_CACHE_OPTIONS, type CallCacheOptions } from '../call-cache-options.js';
import { CallError } from '../call-error.js';
import { problemOf } from '../http/problems.js';
import { serviceOf } from '../services/service-body.js';
import { ServiceDirectory } from '../services/service-directory.js';
import { ServiceError } from '../services/service-error.js';
import type { Service } from '../services/service.js';
import { JsonCalls } from './json-calls.js';

const SERVICE = 'github';
/** Where nobody has configured another address. */
const PUBLIC = serviceOf({ name: SERVICE, space: '', body: { base_url: 'https://api.github.com' } }, 0);
const USER = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,98}[A-Za-z0-9])?$/;

interface ConnectionTest {
  readonly success: boolean;
  readonly service: string;
  /** Null: it gave no answer. */
  readonly status: number | null;
  readonly user: string | null;
  readonly timestamp: string;
}

/** Repositories of GitHub's users, with the credential of the provider `github`, or else of the service `github`. */
@ApiTags('Services')
@ApiBearerAuth()
@Controller('api/github')
export class GithubController {
  constructor(
    @Inject(Cache) private readonly cache: Cache,
    @Inject(CacheAside) private readonly aside: CacheAside,
    @Inject(ServiceDirectory) private readonly services: ServiceDirectory,
    @Inject(JsonCalls) private readonly calls: JsonCalls,
    @Inject(CALL_CACHE_OPTIONS) private readonly options: CallCacheOptions,
  ) {}

  @Get('repositories')
  @ApiOperation({ summary: 'Repositories of a user, from the cache for two minutes' })
  @ApiQuery({ name: 'user', required: false, description: 'By default the `user` of the provider `github`.' })
  @ApiOkResponse({
    schema: {
      type: 'object',
      required: ['success', 'user', 'total', 'repositories'],
      properties: {
        success: { type: 'boolean' },
        user: { type: 'string' },
        total: { type: 'integer' },
        repositories: {
          type: 'array',
          items: { type: 'object', additionalProperties: true },
          description: 'As GitHub lists them, the first hundred',
        },
      },
    },
  })
  @ApiBadRequestResponse({ description: '`validation_failed`: no user is known' })
  @ApiNotFoundResponse({ description: 'Neither is stored, or GitHub knows no such user' })
  async repositories(
    @Req() request: FastifyRequest,
    @Query('user') asked: unknown,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<{ success: true; user: string; total: number; repositories: readonly unknown[] }> {
    const { tenant } = this.options.callerOf(request);
    const user = userIn(asked ?? this.options.githubAccount?.(tenant)?.user);
    const service = this.#service(tenant);
    const path = `/users/${encodeURIComponent(user)}/repos?per_page=100&sort=updated`;
    const value = await this.#cached(request, reply, {
      ref: keyspace.githubRepos.at({ user }, tenant),
      source: service.space,
      load: () => this.calls.value({ service, method: 'GET', path }),
    });
    const repositories = Array.isArray(value) ? (value as unknown[]) : [];
    return { success: true, user, total: repositories.length, repositories };
  }

  @Post('test')
  @HttpCode(200)
  @ApiOperation({ summary: 'Whether GitHub answers and takes the credential; the result of the last minute' })
  @ApiOkResponse({
    schema: {
      type: 'object',
      required: ['success', 'service', 'status', 'user', 'timestamp'],
      properties: {
        success: { type: 'boolean' },
        service: { type: 'string' },
        status: { type: 'integer', nullable: true, description: 'Null: there was no answer' },
        user: { type: 'string', nullable: true },
        timestamp: { type: 'string', format: 'date-time' },
      },
    },
  })
  @ApiNotFoundResponse({ description: 'Neither a provider nor a service `github` is stored' })
  async test(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<ConnectionTest> {
    const { tenant } = this.options.callerOf(request);
    const service = this.#service(tenant);
    const value = await this.#cached(request, reply, {
      ref: keyspace.testConnection.at({}, tenant),
      source: service.space,
      load: () => this.#tested(service),
    });
    return value as ConnectionTest;
  }

  async #cached(request: FastifyRequest, reply: FastifyReply, wanted: WantedAnswer): Promise<unknown> {
    try {
      const { value, headers } = await cachedAnswer(
        { cache: this.cache, aside: this.aside },
        { ...wanted, tags: [serviceTag(SERVICE)] },
        cacheControlsOf(request.headers),
      );
      reply.headers(headers);
      return value;
    } catch (error) {
      throw problemOf(error);
    }
  }

  async #tested(service: Service): Promise<ConnectionTest> {
    const timestamp = new Date().toISOString();
    const authorized = service.headers.some(([name]) => name.toLowerCase() === 'authorization');
    try {
      const { status, value } = await this.calls.call({
        service,
        method: 'GET',
        path: authorized ? '/user' : '/rate_limit',
      });
      const login: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, 'login') : null;
      const user = typeof login === 'string' ? login : null;
      return { success: status >= 200 && status < 300, service: SERVICE, status, user, timestamp };
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      return { success: false, service: SERVICE, status: null, user: null, timestamp };
    }
  }

  /** @throws ProblemError `not_found` */
  #service(tenant: string): Service {
    const configured = this.services.find(SERVICE);
    const token = this.options.githubAccount?.(tenant)?.token ?? null;
    if (configured === null && token === null) {
      throw new ProblemError(
        'not_found',
        `Neither a provider nor a service ${SERVICE} is stored: POST /api/providers/${SERVICE}.`,
      );
    }
    const service = configured ?? PUBLIC;
    if (token === null) return service;
    const headers = service.headers.filter(([name]) => name.toLowerCase() !== 'authorization');
    return { ...service, headers: [...headers, ['Authorization', `Bearer ${token}`]] };
  }
}

/** @throws ServiceError */
function userIn(user: unknown): string {
  if (typeof user === 'string' && USER.test(user)) return user;
  const message = 'must be the name of a GitHub user, here or as "user" of the provider github';
  throw new ServiceError('validation_failed', `user: ${message}`, [{ path: 'user', message }]);
}
