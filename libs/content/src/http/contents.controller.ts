import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Put, Req, Res, UseGuards } from '@nestjs/common';
import {
  ApiBadRequestResponse,
  ApiBearerAuth,
  ApiBody,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import { CachedRoute, keyspace } from '@promptsales/cache-core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { readContentFields, readName } from '../content/content-fields.js';
import type { Content } from '../content/content-rows.js';
import { Contents } from '../content/contents.js';
import { CONTENT_BODY, CONTENT_SCHEMA } from './content-schemas.js';
import { TenantGuard, tenantOf } from './tenant-guard.js';

@ApiTags('Content')
@ApiBearerAuth()
@UseGuards(TenantGuard)
@Controller('v1/content')
export class ContentsController {
  constructor(@Inject(Contents) private readonly contents: Contents) {}

  @Get(':content_id')
  @CachedRoute(keyspace.contentById, {
    key: ({ params }) => ({ content_id: idOf(params['content_id']) }),
    tenant: tenantOf,
  })
  @ApiOperation({ summary: 'One piece of content, from the cache; never older than the last acknowledged change' })
  @ApiOkResponse({ schema: CONTENT_SCHEMA })
  @ApiNotFoundResponse({ description: 'There is none, or it is another tenant’s' })
  show(@Req() request: FastifyRequest, @Param('content_id') id: string): Promise<Content> {
    return this.contents.load(tenantOf(request), idOf(id));
  }

  @Put(':content_id')
  @ApiOperation({ summary: 'Store a piece of content, and forget every search that it might change' })
  @ApiBody({ schema: CONTENT_BODY })
  @ApiOkResponse({ schema: CONTENT_SCHEMA, description: 'It has replaced what was there' })
  @ApiCreatedResponse({ schema: CONTENT_SCHEMA })
  @ApiBadRequestResponse({ description: '`validation_failed`: `errors` names each field' })
  async put(
    @Req() request: FastifyRequest,
    @Param('content_id') id: string,
    @Body() body: unknown,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Content> {
    const { content, created } = await this.contents.put(tenantOf(request), idOf(id), readContentFields(body));
    reply.code(created ? 201 : 200);
    return content;
  }

  @Delete(':content_id')
  @HttpCode(204)
  @ApiOperation({ summary: 'Delete a piece of content, and forget every search that had found it' })
  @ApiNoContentResponse()
  @ApiNotFoundResponse()
  remove(@Req() request: FastifyRequest, @Param('content_id') id: string): Promise<void> {
    return this.contents.remove(tenantOf(request), idOf(id));
  }
}

function idOf(id = ''): string {
  return readName(id, 'content_id');
}
