import { Body, Controller, HttpCode, Inject, Post, Req, Res } from '@nestjs/common';
import {
  ApiBadRequestResponse,
  ApiBearerAuth,
  ApiBody,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import {
  Cache,
  CacheAside,
  cacheControlsOf,
  cachedAnswer,
  keyspace,
  normaliseCompanyName,
  serviceTag,
} from '@promptsales/cache-core';
import { ProblemError } from '@promptsales/http-edge';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CALL_CACHE_OPTIONS, type CallCacheOptions } from '../call-cache-options.js';
import { CallError } from '../call-error.js';
import { problemOf } from '../http/problems.js';
import { ServiceDirectory } from '../services/service-directory.js';
import { ServiceError } from '../services/service-error.js';
import type { Service } from '../services/service.js';
import { JsonCalls } from './json-calls.js';

const SERVICE = 'surfsense';
const LONGEST_NAME = 300;

/** What is known of companies. */
@ApiTags('Services')
@ApiBearerAuth()
@Controller('v1/surfsense')
export class SurfsenseController {
  constructor(
    @Inject(Cache) private readonly cache: Cache,
    @Inject(CacheAside) private readonly aside: CacheAside,
    @Inject(ServiceDirectory) private readonly services: ServiceDirectory,
    @Inject(JsonCalls) private readonly calls: JsonCalls,
    @Inject(CALL_CACHE_OPTIONS) private readonly options: CallCacheOptions,
  ) {}

  @Post('enrich')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Enrich a company, through the cache',
    description:
      'Asks `POST {base_url}/enrich` of the service `surfsense`. Names that differ in accents, case and white space only are one company. `Cache-Control`, `x-cache-ttl`, `x-cache-tags` and `x-cache-namespace` steer the cache.',
  })
  @ApiBody({
    schema: {
      type: 'object',
      required: ['empresa'],
      properties: { empresa: { type: 'string', example: 'Peña S.A.' } },
    },
  })
  @ApiOkResponse({ schema: { type: 'object', additionalProperties: true, description: 'What the service says of it' } })
  @ApiBadRequestResponse({ description: '`validation_failed`' })
  @ApiNotFoundResponse({ description: 'There is no service `surfsense`, or it knows no such company' })
  async enrich(
    @Req() request: FastifyRequest,
    @Body() body: unknown,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<unknown> {
    const empresa = companyIn(body);
    const ref = keyspace.surfsense.at({ empresa_normalizada: empresa }, this.options.callerOf(request).tenant);
    const service = this.#service();
    const wanted = {
      ref,
      tags: [serviceTag(SERVICE)],
      source: service.space,
      load: () => this.#enriched(service, empresa),
    };
    const { value, headers } = await cachedAnswer(
      { cache: this.cache, aside: this.aside },
      wanted,
      cacheControlsOf(request.headers),
    ).catch((error: unknown) => {
      throw problemOf(error);
    });
    reply.headers(headers);
    return value;
  }

  /** @throws ProblemError `not_found` */
  #service(): Service {
    const service = this.services.find(SERVICE);
    if (service !== null) return service;
    throw new ProblemError('not_found', `There is no service ${SERVICE}: PUT /v1/services/${SERVICE}.`);
  }

  async #enriched(service: Service, empresa: string): Promise<unknown> {
    const value = await this.calls.value({ service, method: 'POST', path: '/enrich', body: { empresa } });
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
    throw new CallError('bad_gateway', `The service ${SERVICE} answered with what is no JSON object.`);
  }
}

/** @throws ServiceError */
function companyIn(body: unknown): string {
  const empresa: unknown = typeof body === 'object' && body !== null ? Reflect.get(body, 'empresa') : undefined;
  const fits = typeof empresa === 'string' && empresa.length <= LONGEST_NAME && empresa.isWellFormed();
  if (fits && normaliseCompanyName(empresa) !== '') return empresa.trim();
  const message = `must be the name of a company, ${LONGEST_NAME} characters at most`;
  throw new ServiceError('validation_failed', `empresa: ${message}`, [{ path: 'empresa', message }]);
}
