import {
  BadRequestException,
  Controller,
  Delete,
  Get,
  HttpCode,
  Inject,
  Param,
  Put,
  Query,
  Req,
  Res,
} from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBearerAuth,
  ApiBody,
  ApiConflictResponse,
  ApiForbiddenResponse,
  ApiHeader,
  ApiNoContentResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiProperty,
  ApiPropertyOptional,
  ApiTags,
  ApiUnprocessableEntityResponse,
} from '@nestjs/swagger';
import { CacheControlError, parseCacheControls, type CacheControls, type EntryLabels } from '@promptsales/cache-core';
import { IsOptional, Matches } from 'class-validator';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CACHE_MANAGEMENT_OPTIONS, type CacheManagementOptions } from '../management-options.js';
import { CacheValues } from '../values/cache-values.js';
import { accessTo } from '../values/family-access.js';
import { matchesAny } from './entity-tags.js';

class WriteQuery {
  @ApiPropertyOptional({
    type: 'integer',
    description: 'Seconds to keep it, within what the family permits; else the family’s own, or `x-cache-ttl`.',
  })
  @IsOptional()
  @Matches(/^\d{1,9}$/, { message: 'ttl takes a whole number of seconds' })
  ttl?: string;
}

class WrittenAnswer {
  @ApiProperty({ description: 'As it lies in Redis, without KEY_PREFIX.' }) key!: string;
  @ApiProperty({ example: 'app.value' }) family!: string;
  @ApiProperty({ type: 'integer', nullable: true, description: 'Null: it stays.' }) ttl_seconds!: number | null;
}

class PendingRemovalAnswer {
  @ApiProperty({ description: 'Redis is away: it is removed before this process reads it again.' }) pending!: boolean;
}

const KEY = {
  name: 'key',
  description:
    'A documented key of one’s own, such as `app:report-1`. It is one segment of the path: `/` and each `%` of the key are percent-encoded.',
  example: 'app:report-1',
};
const TAGS = { name: 'x-cache-tags', required: false, description: 'To invalidate it by; cached families only.' };
const NAMESPACE = { name: 'x-cache-namespace', required: false, description: 'The same.' };

@ApiTags('Cache')
@ApiBearerAuth()
@Controller('v1/cache')
export class ValuesController {
  constructor(
    @Inject(CacheValues) private readonly values: CacheValues,
    @Inject(CACHE_MANAGEMENT_OPTIONS) private readonly options: CacheManagementOptions,
  ) {}

  @Get(':key')
  @ApiOperation({
    summary: 'The value at a key of any family',
    description:
      'In the family’s shape: JSON for strings, an object for hashes, an array for lists, `{member: score}` for sorted sets, a number for counters. Which scope reads which family stands at `/v1/keyspace/families`.',
  })
  @ApiParam(KEY)
  @ApiHeader({ name: 'If-None-Match', required: false })
  @ApiOkResponse({ schema: {}, headers: { ETag: { schema: { type: 'string' } } } })
  @ApiNotFoundResponse({ description: 'Nothing is there that would be served, or it is another tenant’s' })
  @ApiConflictResponse({ description: '`wrong_type`: a value of another type lies there' })
  @ApiForbiddenResponse({ description: 'The family is not read by this key’s scopes, or by nobody' })
  @ApiUnprocessableEntityResponse({ description: '`unknown_family`: no family has this key' })
  async read(@Req() request: FastifyRequest, @Param('key') key: string, @Res() reply: FastifyReply): Promise<void> {
    const { json, etag, headers } = await this.values.read(key, this.options.callerOf(request));
    // It may be kept by the one who asked, who then asks whether it is still so.
    reply.headers({ ...headers, etag, 'cache-control': 'private, no-cache' });
    if (matchesAny(request.headers['if-none-match'], etag)) {
      await reply.status(304).send();
      return;
    }
    await reply.type('application/json').send(json);
  }

  @Put(':key')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Put a value at a key of any family',
    description:
      'In the shape in which it is read. In a cached family it supersedes a load that is under way. Which scope writes which family stands at `/v1/keyspace/families`.',
  })
  @ApiParam(KEY)
  @ApiHeader(TAGS)
  @ApiHeader(NAMESPACE)
  @ApiBody({ schema: {}, required: true })
  @ApiOkResponse({ type: WrittenAnswer })
  @ApiForbiddenResponse({ description: 'The family is not written by this key’s scopes, or by nobody' })
  @ApiUnprocessableEntityResponse({ description: '`unknown_family`, `value_refused` or `ttl_out_of_range`' })
  async write(
    @Req() request: FastifyRequest,
    @Param('key') key: string,
    @Query() { ttl }: WriteQuery,
  ): Promise<WrittenAnswer> {
    refuseConditions(request);
    const text = this.options.bodyTextOf(request);
    if (text === null) {
      throw new BadRequestException({
        code: 'validation_failed',
        detail: 'The body is the value, as application/json.',
      });
    }
    const controls = controlsOf(request);
    const caller = this.options.callerOf(request);
    const ttlSeconds = ttl === undefined ? (controls.ttlSeconds ?? undefined) : Number(ttl);
    const written = await this.values.write(key, { text, ttlSeconds, labels: labelsOf(controls) }, caller);
    if (accessTo(written.ref.family).write === 'admin') this.#audit(request, 'cache.write', written.ref.key);
    return { key: written.ref.key, family: written.ref.family.id, ttl_seconds: written.ttlSeconds };
  }

  @Delete(':key')
  @HttpCode(204)
  @ApiOperation({
    summary: 'Remove a key of any family',
    description: 'In a cached family an invalidation: loads that are under way do not store their values.',
  })
  @ApiParam(KEY)
  @ApiNoContentResponse({ description: 'It is gone, or was not there' })
  @ApiAcceptedResponse({ type: PendingRemovalAnswer, description: 'Redis is away' })
  @ApiForbiddenResponse({ description: 'The family’s keys are not removed by this key’s scopes, or by nobody' })
  async remove(
    @Req() request: FastifyRequest,
    @Param('key') key: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<PendingRemovalAnswer | undefined> {
    refuseConditions(request);
    const { ref, pending } = await this.values.remove(key, this.options.callerOf(request));
    if (accessTo(ref.family).remove === 'admin') this.#audit(request, 'cache.remove', ref.key);
    if (!pending) return undefined;
    reply.status(202);
    return { pending };
  }

  #audit(request: FastifyRequest, action: string, key: string): void {
    this.options.audit(request, { action, target: `key:${key}`, detail: {} });
  }
}

/** Whoever sends one relies on it, and a copy in a cache has no version that a writer could hold on to. */
function refuseConditions({ headers }: FastifyRequest): void {
  const given = (['if-match', 'if-none-match', 'if-unmodified-since'] as const).find(
    (name) => headers[name] !== undefined,
  );
  if (given === undefined) return;
  const message = `Conditional writes are not possible here: send none of If-Match, If-None-Match and If-Unmodified-Since.`;
  throw new BadRequestException({ code: 'bad_header', detail: message, errors: [{ path: given, message }] });
}

function controlsOf({ headers }: FastifyRequest): CacheControls {
  try {
    return parseCacheControls(headers);
  } catch (error) {
    if (!(error instanceof CacheControlError)) throw error;
    const { header: path, message } = error;
    throw new BadRequestException({ code: 'bad_header', detail: message, errors: [{ path, message }] });
  }
}

function labelsOf({ namespace, tags }: CacheControls): EntryLabels {
  return { ...(namespace === '' ? {} : { namespace }), ...(tags.length === 0 ? {} : { tags }) };
}
