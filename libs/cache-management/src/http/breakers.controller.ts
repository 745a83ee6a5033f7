import { Controller, Get, Inject, NotFoundException, Param, Req } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Breakers, DEFAULT_TENANT } from '@promptsales/cache-core';
import type { FastifyRequest } from 'fastify';
import { CACHE_MANAGEMENT_OPTIONS, type CacheManagementOptions } from '../management-options.js';
import { BreakerAnswer, breakerAnswer, BreakerListAnswer } from './breaker-answers.js';

/** The breakers in front of the installation's upstreams, which are tenant `default`'s, and of the caller's own services. */
@ApiTags('Breakers')
@ApiBearerAuth()
@Controller('v1/breakers')
export class BreakersController {
  constructor(
    @Inject(Breakers) private readonly breakers: Breakers,
    @Inject(CACHE_MANAGEMENT_OPTIONS) private readonly options: CacheManagementOptions,
  ) {}

  @Get()
  @ApiOperation({ summary: 'Circuit breakers, by service' })
  @ApiOkResponse({ type: BreakerListAnswer })
  async list(@Req() request: FastifyRequest): Promise<BreakerListAnswer> {
    const reports = await this.breakers.report(this.#tenants(request));
    return { breakers: reports.map(breakerAnswer) };
  }

  @Get(':service')
  @ApiOperation({ summary: 'The circuit breaker of one service' })
  @ApiOkResponse({ type: BreakerAnswer })
  async show(@Req() request: FastifyRequest, @Param('service') service: string): Promise<BreakerAnswer> {
    for (const tenant of this.#tenants(request)) {
      const report = await this.breakers.reportOf(service, tenant);
      if (report !== null) return breakerAnswer(report);
    }
    throw new NotFoundException('There is no breaker for a service of this name.');
  }

  /** Its own services come before the installation's of the same name. */
  #tenants(request: FastifyRequest): readonly string[] {
    return [...new Set([this.options.callerOf(request).tenant, DEFAULT_TENANT])];
  }
}
