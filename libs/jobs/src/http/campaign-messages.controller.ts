import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query, Req, Res } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBadRequestResponse,
  ApiBearerAuth,
  ApiBody,
  ApiHeader,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
  ApiUnprocessableEntityResponse,
} from '@nestjs/swagger';
import { cursorBehind, pageOf, PageQuery, placeIn } from '@promptsales/http-edge';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { GenerationQueue } from '../generation-queue.js';
import { JOBS_OPTIONS, type JobsOptions } from '../jobs-options.js';
import { CampaignMessages } from '../messages/campaign-messages.js';
import { CampaignMessagesAnswer, JobAnswer, segmentAnswer } from './job-answers.js';
import { enqueued, IDEMPOTENCY_KEY, PRIORITY_SCHEMA, SEGMENTO_SCHEMA } from './queues.controller.js';
import { campanaIdIn, enqueueRequest } from './requests.js';

const HASH = /^[0-9a-f]{64}$/;

@ApiTags('Jobs')
@ApiBearerAuth()
@Controller('v1/campaigns/:campana_id/messages')
export class CampaignMessagesController {
  constructor(
    @Inject(JOBS_OPTIONS) private readonly options: JobsOptions,
    @Inject(CampaignMessages) private readonly messages: CampaignMessages,
    @Inject(GenerationQueue) private readonly queue: GenerationQueue,
  ) {}

  @Get()
  @ApiOperation({ summary: 'The messages of a campaign by segment, with what their generation took' })
  @ApiOkResponse({ type: CampaignMessagesAnswer })
  async list(
    @Req() request: FastifyRequest,
    @Param('campana_id') campana: string,
    @Query() query: PageQuery,
  ): Promise<CampaignMessagesAnswer> {
    const campanaId = campanaIdIn(campana);
    const after = query.cursor === undefined ? null : placeIn(query.cursor, (place) => HASH.test(place));
    const { tenant } = this.options.callerOf(request);
    const rows = await this.messages.page(tenant, campanaId, query.limit + 1, after);
    const page = pageOf(rows, query.limit, ({ segmentoHash }) => cursorBehind(segmentoHash), segmentAnswer);
    return { campana_id: campanaId, segments: page.items, next_cursor: page.nextCursor };
  }

  @Post()
  @HttpCode(202)
  @ApiOperation({ summary: 'Have the messages of one segment generated' })
  @ApiHeader(IDEMPOTENCY_KEY)
  @ApiBody({
    schema: {
      type: 'object',
      required: ['segmento'],
      properties: { segmento: SEGMENTO_SCHEMA, priority: PRIORITY_SCHEMA },
    },
  })
  @ApiAcceptedResponse({ type: JobAnswer, description: '`Location` names the job' })
  @ApiBadRequestResponse({ description: '`validation_failed`: `errors` names each field' })
  @ApiUnprocessableEntityResponse({ description: 'The Idempotency-Key was sent before with another request' })
  async generate(
    @Req() request: FastifyRequest,
    @Param('campana_id') campana: string,
    @Body() body: object,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<JobAnswer> {
    const wanted = enqueueRequest(body, campanaIdIn(campana));
    return enqueued(this.queue, this.options.callerOf(request).tenant, wanted, request, reply);
  }
}
