import { Controller, Get, Inject, NotFoundException, Query, Req, UnprocessableEntityException } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiProperty,
  ApiTags,
  ApiUnprocessableEntityResponse,
} from '@nestjs/swagger';
import { Cache, explain, FamilyGlob, GlobRefusedError, type KeyRef } from '@promptsales/cache-core';
import { IsString, MaxLength, MinLength } from 'class-validator';
import type { FastifyRequest } from 'fastify';
import { CACHE_MANAGEMENT_OPTIONS, type CacheManagementOptions } from '../management-options.js';
import { ExplanationAnswer, explanationAnswer } from './explanation-answer.js';

class ExplainQuery {
  @ApiProperty({ description: 'A documented key of one’s own.', example: 'app:report-1' })
  @IsString()
  @MinLength(1)
  @MaxLength(2000)
  key!: string;
}

@ApiTags('Keyspace')
@ApiBearerAuth()
@Controller('v1/keyspace')
export class ExplainController {
  constructor(
    @Inject(Cache) private readonly cache: Cache,
    @Inject(CACHE_MANAGEMENT_OPTIONS) private readonly options: CacheManagementOptions,
  ) {}

  @Get('explain')
  @ApiOperation({ summary: 'Why a key is hit, missed or stale just now; never its value' })
  @ApiOkResponse({ type: ExplanationAnswer })
  @ApiNotFoundResponse({ description: 'It is a key of another tenant' })
  @ApiUnprocessableEntityResponse({ description: '`pattern_refused`: it is no key of a cached family' })
  async explain(@Req() request: FastifyRequest, @Query() { key }: ExplainQuery): Promise<ExplanationAnswer> {
    const { tenant, admin } = this.options.callerOf(request);
    const explained = await explain(refOf(key, tenant), this.cache);
    if (!admin && explained.sidecar !== null && explained.sidecar.tenant !== tenant) throw notYours();
    return explanationAnswer(explained, admin);
  }
}

function refOf(key: string, tenant: string): KeyRef {
  try {
    const ref = FamilyGlob.parse(key, tenant).onlyKey;
    if (ref !== null) return ref;
  } catch (error) {
    if (error instanceof GlobRefusedError && error.refusal === 'tenant') throw notYours();
    throw error;
  }
  throw new UnprocessableEntityException('A key has no wildcards.');
}

function notYours(): NotFoundException {
  return new NotFoundException('There is no such key of your tenant.');
}
