import { Controller, Get, HttpCode, Inject, Post, Req } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiBody,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
  ApiUnprocessableEntityResponse,
} from '@nestjs/swagger';
import { Cache, physicalKey } from '@promptsales/cache-core';
import type { FastifyRequest } from 'fastify';
import { Censuses } from '../explore/censuses.js';
import { identityOf } from '../explore/identity.js';
import { CACHE_MANAGEMENT_OPTIONS, type CacheManagementOptions } from '../management-options.js';
import { databaseOf, IdentityAnswer, KeyspaceAnswer, keyspaceAnswer } from './keyspace-answers.js';

const IDENTITY_BODY = {
  schema: {
    type: 'object',
    required: ['family', 'request'],
    properties: {
      family: { type: 'string', description: 'A family’s id.' },
      request: {
        type: 'object',
        description:
          'For `llm.response`, the body of a request to the endpoint. For families whose keys hold no hash of a request, the key’s segments; `token` may stand for `token_hash`.',
      },
      endpoint: {
        type: 'string',
        description:
          'For `llm.response`, the route that would be asked, such as `/v1/responses`; left out, the first that takes such a body.',
      },
    },
    additionalProperties: false,
  },
  examples: {
    answer: {
      value: { family: 'llm.response', request: { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Hi' }] } },
    },
    company: { value: { family: 'surfsense', request: { empresa_normalizada: 'Peña S.A.' } } },
  },
};

@ApiTags('Keyspace')
@ApiBearerAuth()
@Controller('v1/keyspace')
export class KeyspaceController {
  constructor(
    @Inject(Cache) private readonly cache: Cache,
    @Inject(Censuses) private readonly censuses: Censuses,
    @Inject(CACHE_MANAGEMENT_OPTIONS) private readonly options: CacheManagementOptions,
  ) {}

  @Get()
  @ApiOperation({
    summary: 'How many keys each family has, and what they take',
    description:
      'From a bounded look at every server, at most every ten seconds: what was not looked at is estimated, and says so. Of the caller’s own tenant; an administrator’s is of all. Keys that hold an identity hash do not show whose they are: to others their count is not known.',
  })
  @ApiOkResponse({ type: KeyspaceAnswer })
  async keyspace(@Req() request: FastifyRequest): Promise<KeyspaceAnswer> {
    const { tenant, admin } = this.options.callerOf(request);
    const whose = admin ? null : tenant;
    return keyspaceAnswer(await this.censuses.of(whose), whose);
  }

  @Post('identity')
  @HttpCode(200)
  @ApiOperation({ summary: 'The key under which a request’s value is kept, for readers that look keys up themselves' })
  @ApiBody(IDENTITY_BODY)
  @ApiOkResponse({ type: IdentityAnswer })
  @ApiUnprocessableEntityResponse({
    description: '`unknown_family`, or a request that the family’s feature would not take or cannot key',
  })
  identity(@Req() asking: FastifyRequest): IdentityAnswer {
    const { tenant } = this.options.callerOf(asking);
    const ref = identityOf({ text: this.options.bodyTextOf(asking), tenant, asking }, this.options.identities);
    const { id, role } = ref.family;
    return {
      key: ref.key,
      physical_key: physicalKey(this.cache.keyPrefix, ref.key),
      family: id,
      role,
      default_database: databaseOf(role),
    };
  }
}
