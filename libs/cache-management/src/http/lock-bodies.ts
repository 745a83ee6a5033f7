import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsNumber, IsOptional, IsString } from 'class-validator';

const OWNER = 'Entitles to extend and to release; must be one holder’s alone.';
const TTL = 'How long the lock lasts unless it is extended.';

/** `POST /v1/locks/{name}`. Ranges are looked at when the lock is taken: what is out of range is 422. */
export class TakeLockBody {
  @ApiPropertyOptional({
    description: `${OWNER} One that nobody can guess is made when it is left out.`,
    maxLength: 200,
  })
  @IsOptional()
  @IsString()
  owner?: string;

  @ApiPropertyOptional({ description: TTL, default: 30, minimum: 1, maximum: 3600 })
  @IsOptional()
  @IsNumber()
  ttl_seconds?: number;

  @ApiPropertyOptional({
    description: 'How long to wait while others hold it.',
    default: 0,
    minimum: 0,
    maximum: 30_000,
  })
  @IsOptional()
  @IsNumber()
  wait_ms?: number;
}

/** `PUT /v1/locks/{name}`. */
export class ExtendLockBody {
  @ApiProperty({ description: OWNER, maxLength: 200 })
  @IsString()
  owner!: string;

  @ApiPropertyOptional({ description: 'From now on.', default: 30, minimum: 1, maximum: 3600 })
  @IsOptional()
  @IsNumber()
  ttl_seconds?: number;
}

/** `DELETE /v1/locks/{name}`: the owner in the query or in the body. */
export class ReleaseLockQuery {
  @ApiPropertyOptional({ description: 'The owner; may stand in the body instead.', maxLength: 200 })
  @IsOptional()
  @IsString()
  owner?: string;
}

export class ReleaseLockBody {
  @ApiPropertyOptional({ description: 'The owner; may stand in the query instead.', maxLength: 200 })
  @IsOptional()
  @IsString()
  owner?: string;
}

export class LockAnswer {
  @ApiProperty() name!: string;
  @ApiProperty({ description: OWNER }) owner!: string;
  @ApiProperty({
    description: 'Fencing number: greater than that of every holder before. Refuse writes that carry a smaller one.',
    type: 'integer',
    nullable: true,
  })
  token!: number | null;
  @ApiProperty({ format: 'date-time' }) expires_at!: string;
}
