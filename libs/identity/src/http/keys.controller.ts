import { Body, Controller, Delete, Get, Header, HttpCode, Inject, Param, Post, Query } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import { ApiKeys } from '../api-keys.js';
import type { Actor } from '../audit/audit-log.js';
import { Acting } from './acting.js';
import { CreatedKeyAnswer, CreateKeyBody, keyAnswer, KeyAnswer, KeyListAnswer } from './key-bodies.js';
import { ListQuery } from './list-query.js';

/** Administration of API keys. Who may call it is the application's to say; whose keys are seen follows from the caller. */
@ApiTags('Keys')
@ApiBearerAuth()
@Controller('v1/keys')
export class KeysController {
  readonly #keys: ApiKeys;

  constructor(@Inject(ApiKeys) keys: ApiKeys) {
    this.#keys = keys;
  }

  @Post()
  @Header('cache-control', 'no-store')
  @ApiOperation({ summary: 'Make a key; the answer is the only place where it is shown' })
  @ApiCreatedResponse({ type: CreatedKeyAnswer })
  async create(@Acting() actor: Actor, @Body() body: CreateKeyBody): Promise<CreatedKeyAnswer> {
    const { apiKey, key } = await this.#keys.create(actor, {
      name: body.name,
      tenant: body.tenant,
      scopes: body.scopes,
      ...(body.client == null ? {} : { client: body.client }),
      ...(body.plan == null ? {} : { plan: body.plan }),
      expiresAt: body.expires_at == null ? null : new Date(body.expires_at),
    });
    const { id, ...rest } = keyAnswer(apiKey);
    return { id, key, ...rest };
  }

  @Get()
  @ApiOperation({ summary: 'List keys, newest first, revoked ones included' })
  @ApiOkResponse({ type: KeyListAnswer })
  async list(@Acting() actor: Actor, @Query() query: ListQuery): Promise<KeyListAnswer> {
    const page = await this.#keys.list(actor.principal, query.tenant ?? null, query);
    return { keys: page.items.map(keyAnswer), next_cursor: page.nextCursor };
  }

  @Get(':id')
  @ApiOperation({ summary: 'Show a key' })
  @ApiOkResponse({ type: KeyAnswer })
  async show(@Acting() actor: Actor, @Param('id') id: string): Promise<KeyAnswer> {
    return keyAnswer(await this.#keys.find(actor.principal, id));
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({ summary: 'Revoke a key; it stops working on every process within a second' })
  @ApiNoContentResponse()
  async revoke(@Acting() actor: Actor, @Param('id') id: string): Promise<void> {
    await this.#keys.revoke(actor, id);
  }
}
