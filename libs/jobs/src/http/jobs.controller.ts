import { Controller, Get, Inject, Param, Req, Res } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiHeader,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiProduces,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Readable } from 'node:stream';
import { JobBell } from '../bell/job-bell.js';
import { JOBS_OPTIONS, type JobsOptions } from '../jobs-options.js';
import { JobStore, type GenerationJob } from '../store/job-store.js';
import { JobAnswer, jobAnswer } from './job-answers.js';
import { jobEventStream } from './job-event-stream.js';
import { jobIdIn, lastEventIdOf, noJob } from './requests.js';

@ApiTags('Jobs')
@ApiBearerAuth()
@Controller('v1/jobs')
export class JobsController {
  constructor(
    @Inject(JOBS_OPTIONS) private readonly options: JobsOptions,
    @Inject(JobStore) private readonly store: JobStore,
    @Inject(JobBell) private readonly bell: JobBell,
  ) {}

  @Get(':id')
  @ApiOperation({ summary: 'Where a job stands' })
  @ApiOkResponse({ type: JobAnswer })
  @ApiNotFoundResponse({ description: 'There is none, or it is another tenant’s' })
  async show(@Req() request: FastifyRequest, @Param('id') id: string): Promise<JobAnswer> {
    return jobAnswer(await this.#job(request, id));
  }

  @Get(':id/events')
  @ApiOperation({
    summary: 'Follow a job, as server-sent events',
    description:
      'Events: `queued`, `started`, `progress`, `retrying`, and `completed` or `failed`, which ends the stream. Each has an id; a client that comes back with `Last-Event-ID`, to whatever process, gets what it has not seen.',
  })
  @ApiHeader({ name: 'last-event-id', required: false, description: 'The last event that is known.' })
  @ApiProduces('text/event-stream')
  @ApiOkResponse({
    description:
      'A comment is sent when nothing happens for 15 s. A process that ends closes the stream with a new `retry`: come back with `Last-Event-ID`',
  })
  @ApiNotFoundResponse({ description: 'There is none, or it is another tenant’s' })
  async events(@Req() request: FastifyRequest, @Param('id') id: string, @Res() reply: FastifyReply): Promise<void> {
    const after = lastEventIdOf(request);
    const { id: jobId } = await this.#job(request, id);
    const left = new AbortController();
    reply.raw.once('close', () => left.abort());
    const events = jobEventStream({ store: this.store, bell: this.bell }, jobId, after, {
      left: left.signal,
      ending: this.options.ending,
    });
    await reply
      .header('content-type', 'text/event-stream; charset=utf-8')
      .header('cache-control', 'no-store')
      .header('x-accel-buffering', 'no')
      .send(Readable.from(events, { objectMode: false }));
  }

  async #job(request: FastifyRequest, id: string): Promise<GenerationJob> {
    const job = await this.store.find(this.options.callerOf(request).tenant, jobIdIn(id));
    if (job === null) throw noJob();
    return job;
  }
}
