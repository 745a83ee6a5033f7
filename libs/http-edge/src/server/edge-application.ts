import type { DynamicModule, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Logger } from 'pino';
import { NestLogger } from '../logging/nest-logger.js';
import { ProblemFilter } from '../problem-details/problem-filter.js';
import { requestValidation } from '../problem-details/validation.js';
import type { EdgeAdapter } from './edge-adapter.js';

/** A Nest application on the edge's adapter, with its errors, validation and log. Not initialised yet. */
export async function createEdgeApplication(
  module: Type | DynamicModule,
  adapter: EdgeAdapter,
  logger: Logger,
): Promise<NestFastifyApplication> {
  const app = await NestFactory.create<NestFastifyApplication>(module, adapter, {
    logger: new NestLogger(logger),
    // The adapter has its own parsers; Nest's would accept forms and replace invalid UTF-8.
    bodyParser: false,
    // A failed start is reported and exited from in one place.
    abortOnError: false,
  });
  app.useGlobalFilters(new ProblemFilter(adapter.replies));
  app.useGlobalPipes(requestValidation());
  return app;
}
