import { Controller, Delete, Get, HttpCode, Inject, NotFoundException, Param, Req, Res } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBearerAuth,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import { InvalidationOperations, type OperationView } from '@promptsales/cache-core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CACHE_MANAGEMENT_OPTIONS, type CacheManagementOptions } from '../management-options.js';
import { OperationAnswer, operationAnswer } from './invalidation-answers.js';

/** Operations of the caller's own tenant, for a day after they have ended. */
@ApiTags('Cache')
@ApiBearerAuth()
@Controller('v1/cache/operations')
export class OperationsController {
  constructor(
    @Inject(InvalidationOperations) private readonly operations: InvalidationOperations,
    @Inject(CACHE_MANAGEMENT_OPTIONS) private readonly options: CacheManagementOptions,
  ) {}

  @Get(':id')
  @ApiOperation({ summary: 'How far an invalidation by pattern has come' })
  @ApiOkResponse({ type: OperationAnswer })
  @ApiNotFoundResponse()
  async show(@Req() request: FastifyRequest, @Param('id') id: string): Promise<OperationAnswer> {
    const { tenant, admin } = this.options.callerOf(request);
    return operationAnswer(known(await this.operations.get(id, tenant)), admin);
  }

  @Delete(':id')
  @HttpCode(202)
  @ApiOperation({ summary: 'Stop an invalidation by pattern; what was deleted stays deleted' })
  @ApiAcceptedResponse({ type: OperationAnswer, description: 'It will stop' })
  @ApiOkResponse({ type: OperationAnswer, description: 'It had ended before' })
  @ApiNotFoundResponse()
  async cancel(
    @Req() request: FastifyRequest,
    @Param('id') id: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OperationAnswer> {
    const { tenant, admin } = this.options.callerOf(request);
    const before = known(await this.operations.get(id, tenant));
    if (before.endedAt !== null) {
      reply.status(200);
      return operationAnswer(before, admin);
    }
    const after = known(await this.operations.cancel(id, tenant));
    const detail = { pattern: after.pattern };
    this.options.audit(request, { action: 'cache_operation.cancel', target: `cache_operation:${id}`, detail });
    return operationAnswer(after, admin);
  }
}

function known(view: OperationView | null): OperationView {
  if (view === null) throw new NotFoundException('There is no operation of this id.');
  return view;
}
