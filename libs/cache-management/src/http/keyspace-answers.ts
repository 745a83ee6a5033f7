import { ApiProperty } from '@nestjs/swagger';
import { catalogue, ROLES, type Census, type Counted } from '@promptsales/cache-core';

class CountAnswer {
  @ApiProperty({ type: 'integer', nullable: true, description: 'Null: not known. Never 0 for what was not looked at.' })
  keys!: number | null;
  @ApiProperty({ type: 'integer', description: 'With 95 % confidence, unless `sampled` is false.' })
  keys_at_least!: number;
  @ApiProperty({ type: 'integer', nullable: true, description: 'Null: nothing bounds it.' }) keys_at_most!:
    number | null;
  @ApiProperty({
    type: 'integer',
    nullable: true,
    description: 'Of the server’s memory, from a few keys. Null: not known.',
  })
  bytes!: number | null;
  @ApiProperty({ description: 'False: every key was looked at.' }) sampled!: boolean;
}

class CountedFamilyAnswer extends CountAnswer {
  @ApiProperty({ example: 'app.value' }) id!: string;
  @ApiProperty({ example: 'app:{key}' }) pattern!: string;
  @ApiProperty({ example: 'cache' }) role!: string;
}

class PlaceAnswer {
  @ApiProperty({ type: 'string', isArray: true, description: 'Which keys lie there.' }) roles!: readonly string[];
  @ApiProperty({ type: 'integer', nullable: true, description: 'As the server counts. Null: it could not be asked.' })
  keys!: number | null;
  @ApiProperty({ type: 'integer' }) looked_at!: number;
  @ApiProperty({ description: 'Every key was looked at.' }) complete!: boolean;
}

class OthersAnswer {
  @ApiProperty({ type: CountAnswer, description: 'What lies beside keys: sidecars, leases, recorded streams.' })
  companions!: CountAnswer;
  @ApiProperty({ type: CountAnswer, description: 'Versions of tags, namespaces and families.' }) platform!: CountAnswer;
  @ApiProperty({ type: CountAnswer, description: 'Of no family: the linter names them.' }) unknown!: CountAnswer;
  @ApiProperty({ type: CountAnswer, description: 'Not under KEY_PREFIX.' }) outside!: CountAnswer;
}

export class KeyspaceAnswer {
  @ApiProperty({ format: 'date-time' }) taken_at!: string;
  @ApiProperty({ type: String, nullable: true, description: 'Whose keys were counted; null: everybody’s.' })
  tenant!: string | null;
  @ApiProperty({ type: CountedFamilyAnswer, isArray: true }) families!: readonly CountedFamilyAnswer[];
  @ApiProperty({ type: OthersAnswer, nullable: true, description: 'For administrators.' }) others!: OthersAnswer | null;
  @ApiProperty({ type: PlaceAnswer, isArray: true, nullable: true, description: 'For administrators.' })
  places!: readonly PlaceAnswer[] | null;
}

export class IdentityAnswer {
  @ApiProperty({ description: 'The documented key, for `/v1/cache/{key}`.' }) key!: string;
  @ApiProperty({ description: 'The same with KEY_PREFIX, as it lies in Redis.' }) physical_key!: string;
  @ApiProperty({ example: 'llm.response' }) family!: string;
  @ApiProperty({ example: 'llm' }) role!: string;
  @ApiProperty({
    type: 'integer',
    description: 'The role’s logical database unless REDIS_DB_<ROLE> or REDIS_LAYOUT says otherwise.',
  })
  default_database!: number;
}

/** @param tenant null: of all tenants */
export function keyspaceAnswer(census: Census, tenant: string | null): KeyspaceAnswer {
  const { companions, platform, unknown, outside } = census.others;
  return {
    taken_at: census.takenAt.toISOString(),
    tenant,
    families: catalogue.families.map(({ id, pattern, role }) => ({
      id,
      pattern,
      role,
      ...countAnswer(census.families.get(id) as Counted),
    })),
    others:
      tenant === null
        ? {
            companions: countAnswer(companions),
            platform: countAnswer(platform),
            unknown: countAnswer(unknown),
            outside: countAnswer(outside),
          }
        : null,
    places:
      tenant === null
        ? census.places.map(({ roles, keys, looked, complete }) => ({ roles, keys, looked_at: looked, complete }))
        : null,
  };
}

export function databaseOf(role: keyof typeof ROLES): number {
  return ROLES[role].database;
}

function countAnswer({ keys, atLeast, atMost, bytes, exact }: Counted): CountAnswer {
  return {
    keys,
    keys_at_least: atLeast,
    keys_at_most: Number.isFinite(atMost) ? atMost : null,
    bytes,
    sampled: !exact,
  };
}
