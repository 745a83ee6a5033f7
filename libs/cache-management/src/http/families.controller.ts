import { Controller, Get, Inject } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiProperty, ApiTags } from '@nestjs/swagger';
import { Cache, catalogue, type Family } from '@promptsales/cache-core';
import { accessTo } from '../values/family-access.js';

class FamilyAccessAnswer {
  @ApiProperty({ description: 'The scope that reads it by `/v1/cache/{key}`, beside `cache`; or `never`.' })
  read!: string;
  @ApiProperty() write!: string;
  @ApiProperty() remove!: string;
}

export class FamilyAnswer {
  @ApiProperty({ example: 'app.value' }) id!: string;
  @ApiProperty({ example: 'app:{key}' }) pattern!: string;
  @ApiProperty({ enum: ['string', 'hash', 'list', 'zset', 'stream'], description: 'As Redis calls it.' }) type!: string;
  @ApiProperty({ description: 'What the value is: `json`, `number`, `text` and so on for strings.' }) kind!: string;
  @ApiProperty({
    type: 'integer',
    nullable: true,
    description: 'As this installation has set it; null: none of its own.',
  })
  ttl_seconds!: number | null;
  @ApiProperty({ enum: ['fixed', 'sliding', 'caller', 'never'] }) expiry!: string;
  @ApiProperty({ example: 'cache' }) role!: string;
  @ApiProperty() description!: string;
  @ApiProperty({ type: FamilyAccessAnswer }) access!: FamilyAccessAnswer;
}

class FamiliesAnswer {
  @ApiProperty({ type: FamilyAnswer, isArray: true }) families!: readonly FamilyAnswer[];
}

/** What families of keys there are: the same for everybody, and nothing of what lies at them. */
@ApiTags('Keyspace')
@ApiBearerAuth()
@Controller('v1/keyspace/families')
export class FamiliesController {
  constructor(@Inject(Cache) private readonly cache: Cache) {}

  @Get()
  @ApiOperation({ summary: 'Every family of keys: pattern, type, time to live, role, who may use its keys' })
  @ApiOkResponse({ type: FamiliesAnswer })
  families(): FamiliesAnswer {
    return { families: catalogue.families.map((family) => this.#answer(family)) };
  }

  #answer(family: Family): FamilyAnswer {
    const { id, pattern, redisType, kind, expiry, role, description } = family;
    const ttl = family.ttlSeconds === null ? null : this.cache.ttlSeconds({ ref: { family, tenant: '', key: '' } });
    const { read, write, remove } = accessTo(family);
    return {
      id,
      pattern,
      type: redisType,
      kind,
      ttl_seconds: ttl,
      expiry,
      role,
      description,
      access: { read, write, remove },
    };
  }
}
