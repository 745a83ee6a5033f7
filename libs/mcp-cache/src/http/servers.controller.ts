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
} from '@promptsales/http-edge';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isServerName, serverAnswer, serverIn } from '../servers/server-body.js';
import { McpServerDirectory } from '../servers/server-directory.js';
import { McpServers } from '../servers/servers.js';
import type { SeenServer } from '../servers/stored-server.js';
import { healthIn, McpStatuses } from '../status/statuses.js';
import { MCP_OPTIONS, type McpOptions } from '../mcp-options.js';
import { SERVER_ANSWER_SCHEMA, SERVER_SCHEMA } from './server-schema.js';

const SERVING =
  'Your own, and those of the tenant `default` that you have none of the same name beside: `tenant` tells them apart. Of the latter only how they behave and are is shown, not how they are reached.';

type Answer = Readonly<Record<string, unknown>>;

/** The MCP servers that serve a tenant, and how they are. */
@ApiTags('MCP servers')
@ApiBearerAuth()
@Controller('v1/mcp/servers')
export class McpServersController {
  constructor(
    @Inject(McpServers) private readonly servers: McpServers,
    @Inject(McpServerDirectory) private readonly directory: McpServerDirectory,
    @Inject(McpStatuses) private readonly statuses: McpStatuses,
    @Inject(MCP_OPTIONS) private readonly options: McpOptions,
  ) {}

  @Get()
  @ListsByName('List the MCP servers that serve your tenant, by name', 'servers', SERVER_ANSWER_SCHEMA, SERVING)
  async list(
    @Req() request: FastifyRequest,
    @Query() { limit, cursor }: PageQuery,
  ): Promise<{ servers: readonly Answer[]; next_cursor: string | null }> {
    const after = cursor === undefined ? null : placeIn(cursor, isServerName);
    const found = await this.servers.list(this.options.actorOf(request).tenant, after, limit + 1);
    const { items, nextCursor } = pageOf(
      found,
      limit,
      ({ name }) => cursorBehind(name),
      (server) => server,
    );
    return { servers: await Promise.all(items.map((server) => this.#answer(server))), next_cursor: nextCursor };
  }

  @Get(':name')
  @ShowsOne('Show an MCP server and how it is', { schema: SERVER_ANSWER_SCHEMA }, SERVING)
  async show(@Req() request: FastifyRequest, @Param('name') name: string): Promise<Answer> {
    return this.#answer(await this.servers.find(this.options.actorOf(request).tenant, name));
  }

  @Put(':name')
  @StoresWhole(
    'Store an MCP server in place of what was there',
    { schema: SERVER_ANSWER_SCHEMA },
    'It is in force here at once and on every process within a second. Clients reach it at `/mcp/{name}`. Masked secrets that are sent back stay as they are.',
  )
  @ApiBody({ schema: SERVER_SCHEMA })
  @ApiBadRequestResponse({ description: '`validation_failed`, with every fault and its place' })
  @ApiUnprocessableEntityResponse({ description: '`secret_mask`: a mask stands for no stored secret' })
  async store(
    @Req() request: FastifyRequest,
    @Param('name') name: string,
    @Body() body: unknown,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Answer> {
    const sent = serverIn(body, name, this.options.stdioAllow);
    const { created, server } = await this.servers.save(this.options.actorOf(request), name, sent);
    await this.directory.refresh();
    reply.status(created ? 201 : 200);
    return this.#answer(server);
  }

  @Delete(':name')
  @RemovesOne('Remove an MCP server')
  async remove(@Req() request: FastifyRequest, @Param('name') name: string): Promise<void> {
    await this.servers.remove(this.options.actorOf(request), name);
    await this.directory.refresh();
  }

  async #answer(server: SeenServer): Promise<Answer> {
    const status = await this.statuses.of(server);
    return { ...serverAnswer(server), status: server.secrets === null ? healthIn(status) : status };
  }
}
