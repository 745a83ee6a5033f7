import { Body, Controller, HttpCode, Inject, Post, Req, Res } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBearerAuth,
  ApiBody,
  ApiForbiddenResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
  ApiUnprocessableEntityResponse,
} from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Invalidator } from '../invalidation/invalidator.js';
import { readInvalidation, type Selection } from '../invalidation/selection.js';
import { CACHE_MANAGEMENT_OPTIONS, type CacheManagementOptions } from '../management-options.js';
import {
  AcceptedInvalidationAnswer,
  INVALIDATION_EXAMPLES,
  INVALIDATION_SCHEMA,
  InvalidatedAnswer,
  invalidationAnswer,
} from './invalidation-answers.js';

@ApiTags('Cache')
@ApiBearerAuth()
@Controller('v1/cache')
export class InvalidationController {
  constructor(
    @Inject(Invalidator) private readonly invalidator: Invalidator,
    @Inject(CACHE_MANAGEMENT_OPTIONS) private readonly options: CacheManagementOptions,
  ) {}

  @Post('invalidate')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Invalidate keys, tags, a namespace, a family or a pattern',
    description: 'Loads of what is invalidated that are under way do not store their values.',
  })
  @ApiBody({ schema: INVALIDATION_SCHEMA, examples: INVALIDATION_EXAMPLES })
  @ApiOkResponse({ type: InvalidatedAnswer, description: 'It is done' })
  @ApiAcceptedResponse({
    type: AcceptedInvalidationAnswer,
    description: 'A pattern over many keys, to be followed at `Location`; `eventual`, or Redis is away (`pending`)',
  })
  @ApiForbiddenResponse({ description: 'A pattern over keys of all tenants wants the scope `admin`' })
  @ApiUnprocessableEntityResponse({
    description: '`unknown_family`, `pattern_refused`, or more than may be named at a time',
  })
  async invalidate(
    @Req() request: FastifyRequest,
    @Body() body: object,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<InvalidatedAnswer | AcceptedInvalidationAnswer> {
    const caller = this.options.callerOf(request);
    const wanted = readInvalidation(body, caller.tenant);
    const done = await this.invalidator.carryOut(wanted, caller);
    if (!wanted.dryRun) this.#audit(request, wanted.selection, done.kind === 'accepted' ? done.operation : null);
    if (done.kind === 'accepted') {
      reply.status(202);
      if (done.operation !== null) reply.header('location', `/v1/cache/operations/${done.operation}`);
    }
    return invalidationAnswer(done, wanted.dryRun);
  }

  /** What reaches far. Keys, tags and namespaces are the daily work of applications. */
  #audit(request: FastifyRequest, selection: Selection, operation: string | null): void {
    if (selection.by === 'family') {
      this.options.audit(request, { action: 'cache.invalidate', target: `family:${selection.family.id}`, detail: {} });
    } else if (selection.by === 'pattern') {
      const { family, text } = selection.glob;
      const detail = { pattern: text, ...(operation === null ? {} : { operation }) };
      this.options.audit(request, { action: 'cache.invalidate', target: `family:${family.id}`, detail });
    }
  }
}
