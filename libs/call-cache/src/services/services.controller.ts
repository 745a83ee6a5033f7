import { Body, Controller, Delete, Get, Inject, Param, Put, Query, Req, Res } from '@nestjs/common';
import {
  ApiBadRequestResponse,
  ApiBearerAuth,
  ApiBody,
  ApiTags,
  ApiUnprocessableEntityResponse,
} from '@nestjs/swagger';
import {
  cursorBehind,
  ListsByName,
  pageOf,
  PageQuery,
  placeIn,
  RemovesOne,
  ShowsOne,
  StoresWhole,
  type Answered,
} from '@promptsales/http-edge';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CALL_CACHE_OPTIONS, type CallCacheOptions } from '../call-cache-options.js';
import { isServiceName } from './service-body.js';
import { ServiceDirectory } from './service-directory.js';
import { SERVICE, SERVICE_ANSWER } from './service-schema.js';
import { Services, type ServiceAnswer } from './services.js';

type Schema = Extract<Answered, { schema: unknown }>['schema'];

const schema = (one: unknown): Schema => one as Schema;
const ANSWER = { schema: schema(SERVICE_ANSWER) };

/** REST services behind the cache, at `/proxy/{service}/…`. Secrets are shown masked; a mask that is sent back stands for its secret. */
@ApiTags('Services')
@ApiBearerAuth()
@Controller('v1/services')
export class ServicesController {
  constructor(
    @Inject(Services) private readonly services: Services,
    @Inject(ServiceDirectory) private readonly directory: ServiceDirectory,
    @Inject(CALL_CACHE_OPTIONS) private readonly options: CallCacheOptions,
  ) {}

  @Get()
  @ListsByName('List services by name', 'services', ANSWER.schema)
  async list(
    @Query() { limit, cursor }: PageQuery,
  ): Promise<{ services: readonly ServiceAnswer[]; next_cursor: string | null }> {
    const after = cursor === undefined ? null : placeIn(cursor, isServiceName);
    const found = await this.services.list(after, limit + 1);
    const shown = (row: (typeof found)[number]): ServiceAnswer => this.services.answer(row);
    const { items, nextCursor } = pageOf(found, limit, ({ name }) => cursorBehind(name), shown);
    return { services: items, next_cursor: nextCursor };
  }

  @Get(':name')
  @ShowsOne('Show a service, its secrets masked', ANSWER)
  show(@Param('name') name: string): Promise<ServiceAnswer> {
    return this.services.find(name);
  }

  @Put(':name')
  @StoresWhole(
    'Store a service in place of what was there',
    ANSWER,
    'It is in force here at once and on every process within a second. An answer of ours may be sent back. Nothing that was kept answers for it any more when its address, its headers or its credentials have changed.',
  )
  @ApiBody({ schema: schema(SERVICE) })
  @ApiBadRequestResponse({ description: '`validation_failed`, with every fault and its place' })
  @ApiUnprocessableEntityResponse({ description: '`secret_mask`: a mask stands for no secret that is stored' })
  async store(
    @Req() request: FastifyRequest,
    @Param('name') name: string,
    @Body() body: unknown,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ServiceAnswer> {
    const { created, service } = await this.services.save(this.options.actorOf(request), name, body);
    await this.directory.refresh();
    reply.status(created ? 201 : 200);
    return service;
  }

  @Delete(':name')
  @RemovesOne('Remove a service; what it kept is not found any more')
  async remove(@Req() request: FastifyRequest, @Param('name') name: string): Promise<void> {
    await this.services.remove(this.options.actorOf(request), name);
    await this.directory.refresh();
  }
}
