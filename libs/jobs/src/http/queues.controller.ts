import { Body, Controller, Get, HttpCode, Inject, Post, Query, Req, Res } from '@nestjs/common';
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
import { cursorBehind, pageOf, PageQuery, placeIn, ProblemError } from '@promptsales/http-edge';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { GenerationQueue } from '../generation-queue.js';
import { PRIORITIES } from '../job/priority.js';
import { JOBS_OPTIONS, type JobsOptions } from '../jobs-options.js';
import { DeadLetters } from '../store/dead-letters.js';
import { IdempotencyKeyReusedError } from '../store/job-store.js';
import { DeadLettersAnswer, JobAnswer, jobAnswer, QueueAnswer, ReplayedAnswer } from './job-answers.js';
import { enqueueRequest, idempotencyKeyOf, isJobId, replayRequest, type EnqueueRequest } from './requests.js';

export const IDEMPOTENCY_KEY = {
  name: 'idempotency-key',
  required: false,
  description: 'Sent again, the request is answered with the job that it has made.',
} as const;

export const SEGMENTO_SCHEMA = {
  oneOf: [{ type: 'string' }, { type: 'integer' }, { type: 'object', additionalProperties: true }],
  description: 'A name, or an object that describes the segment.',
};

export const PRIORITY_SCHEMA = { type: 'string', enum: [...PRIORITIES], default: 'normal' };

@ApiTags('Jobs')
@ApiBearerAuth()
@Controller('v1/queues/ai_generation')
export class QueuesController {
  constructor(
    @Inject(JOBS_OPTIONS) private readonly options: JobsOptions,
    @Inject(GenerationQueue) private readonly queue: GenerationQueue,
    @Inject(DeadLetters) private readonly dead: DeadLetters,
  ) {}

  @Get()
  @ApiOperation({ summary: 'How many jobs wait, by priority' })
  @ApiOkResponse({ type: QueueAnswer })
  async depth(@Req() request: FastifyRequest): Promise<QueueAnswer> {
    const depths = await this.queue.depths(this.#tenant(request));
    const entries = [...depths].map(([priority, depth]) => {
      const { intake, queued, retrying } = depth;
      return [priority, { depth: (intake ?? 0) + queued + retrying, ...depth }] as const;
    });
    return {
      queue: 'ai_generation',
      depth: entries.reduce((sum, [, { depth }]) => sum + depth, 0),
      priorities: Object.fromEntries(entries) as unknown as QueueAnswer['priorities'],
    };
  }

  @Post()
  @HttpCode(202)
  @ApiOperation({ summary: 'Have the messages of one segment of a campaign generated' })
  @ApiHeader(IDEMPOTENCY_KEY)
  @ApiBody({
    schema: {
      type: 'object',
      required: ['campana_id', 'segmento'],
      properties: { campana_id: { type: 'string' }, segmento: SEGMENTO_SCHEMA, priority: PRIORITY_SCHEMA },
    },
  })
  @ApiAcceptedResponse({ type: JobAnswer, description: '`Location` names the job' })
  @ApiBadRequestResponse({ description: '`validation_failed`: `errors` names each field' })
  @ApiUnprocessableEntityResponse({ description: 'The Idempotency-Key was sent before with another request' })
  async enqueue(
    @Req() request: FastifyRequest,
    @Body() body: object,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<JobAnswer> {
    return enqueued(this.queue, this.#tenant(request), enqueueRequest(body), request, reply);
  }

  @Get('dead-letters')
  @ApiOperation({ summary: 'Jobs that were given up, and entries that were no requests, oldest first' })
  @ApiOkResponse({ type: DeadLettersAnswer })
  async deadLetters(@Req() request: FastifyRequest, @Query() query: PageQuery): Promise<DeadLettersAnswer> {
    const after = query.cursor === undefined ? null : placeIn(query.cursor, isJobId);
    const rows = await this.dead.page(this.#tenant(request), query.limit + 1, after);
    const page = pageOf(
      rows,
      query.limit,
      ({ id }) => cursorBehind(id),
      ({ campanaId, entry, at, ...letter }) => ({
        ...letter,
        campana_id: campanaId,
        entry: entry?.toString() ?? null,
        at: at.toISOString(),
      }),
    );
    return { dead_letters: page.items, next_cursor: page.nextCursor };
  }

  @Post('dead-letters/replay')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Have jobs that were given up run again, with all their attempts',
    description: 'All of them, at most a thousand at a time, or the one that `id` names.',
  })
  @ApiBody({ required: false, schema: { type: 'object', properties: { id: { type: 'string', format: 'uuid' } } } })
  @ApiOkResponse({ type: ReplayedAnswer })
  @ApiBadRequestResponse({ description: '`validation_failed`: nothing was replayed' })
  async replay(@Req() request: FastifyRequest, @Body() body?: unknown): Promise<ReplayedAnswer> {
    return { replayed: await this.queue.replay(this.#tenant(request), replayRequest(body)) };
  }

  #tenant(request: FastifyRequest): string {
    return this.options.callerOf(request).tenant;
  }
}

export async function enqueued(
  queue: GenerationQueue,
  tenant: string,
  { request: wanted, priority }: EnqueueRequest,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<JobAnswer> {
  try {
    const job = await queue.enqueue(tenant, wanted, priority, idempotencyKeyOf(request));
    reply.header('location', `/v1/jobs/${job.id}`);
    return jobAnswer(job);
  } catch (error) {
    if (!(error instanceof IdempotencyKeyReusedError)) throw error;
    throw new ProblemError('unprocessable', error.message, { cause: error });
  }
}
