import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import type { OperationView } from '@promptsales/cache-core';
import type { Invalidated } from '../invalidation/invalidator.js';
import { MOST_KEYS, MOST_TAGS } from '../invalidation/selection.js';

const MODE = {
  type: 'string',
  enum: ['strict', 'eventual'],
  default: 'strict',
  description:
    '`strict`: answered when it is done, or followed as an operation. `eventual`: accepted (202); a pattern is then followed as an operation, anything else is carried out within 100 ms.',
};
const DRY_RUN = { type: 'boolean', default: false, description: 'Say what would be deleted, and delete nothing.' };
const texts = (most: number, description: string) => ({
  type: 'array',
  items: { type: 'string' },
  minItems: 1,
  maxItems: most,
  description,
});
const selecting = (name: string, schema: object, more: object | false = false) => ({
  type: 'object',
  required: [name],
  properties: { [name]: schema, mode: MODE, dry_run: DRY_RUN },
  additionalProperties: more,
});

/** Exactly one selector. Segments of a family stand beside it, under their own names. */
export const INVALIDATION_SCHEMA = {
  oneOf: [
    selecting('keys', texts(MOST_KEYS, 'Documented keys of one’s own; another tenant’s is as if it were not there.')),
    selecting('tags', texts(MOST_TAGS, 'Everything that was stored with one of these tags.')),
    selecting('namespace', { type: 'string', description: 'Everything that was stored in this namespace.' }),
    selecting(
      'family',
      {
        type: 'string',
        description: 'A family’s id: all its entries, or those with the segments that stand beside it.',
      },
      { type: 'string' },
    ),
    selecting('pattern', {
      type: 'string',
      description: 'A glob inside one family, with `*`, `?` and `[a-z]` in variable segments: `api:call:weather:*`.',
    }),
  ],
};

export const INVALIDATION_EXAMPLES = {
  keys: { value: { keys: ['lead:0b7c3a52-6f2e-4b0e-9d0a-3f7c5a1f9a10'] } },
  tags: { value: { tags: ['campaign-42'] } },
  family: { value: { family: 'api.call', service: 'weather' } },
  pattern: { value: { pattern: 'api:call:weather:*', dry_run: true } },
};

export class InvalidatedAnswer {
  @ApiProperty({ type: 'integer', nullable: true, description: 'Null for tags, namespaces and families: not counted.' })
  deleted!: number | null;
  @ApiProperty({ description: 'Nothing was deleted; `deleted` is how many would have been.' }) dry_run!: boolean;
  @ApiPropertyOptional({ type: 'string', isArray: true, description: 'Of a pattern: some of the keys.' })
  sample?: readonly string[];
}

export class AcceptedInvalidationAnswer {
  @ApiProperty({
    type: 'string',
    nullable: true,
    description: 'To be followed at `/v1/cache/operations/{id}`; null where nothing is recorded.',
  })
  operation!: string | null;
  @ApiProperty({
    description:
      'This process carries it out before it reads any of it: soon (`eventual`), or as soon as Redis is back.',
  })
  pending!: boolean;
  @ApiProperty({ type: 'integer', nullable: true, description: 'Null: not known yet.' }) deleted!: number | null;
  @ApiProperty() dry_run!: boolean;
}

export class NodeProgressAnswer {
  @ApiProperty({ description: 'A server: by name for administrators, else by number.' }) node!: string;
  @ApiProperty({ type: 'integer' }) scanned!: number;
  @ApiProperty({ type: 'integer' }) deleted!: number;
}

export class OperationAnswer {
  @ApiProperty() id!: string;
  @ApiProperty({ enum: ['running', 'cancelling', 'done', 'cancelled', 'failed'] }) state!: string;
  @ApiProperty({ example: 'api:call:weather:*:*' }) pattern!: string;
  @ApiProperty() dry_run!: boolean;
  @ApiProperty({ type: 'integer', description: 'About how many keys were looked at.' }) scanned!: number;
  @ApiProperty({ type: 'integer', description: 'So far; of a dry run, how many would be.' }) deleted!: number;
  @ApiProperty({ type: NodeProgressAnswer, isArray: true }) nodes!: readonly NodeProgressAnswer[];
  @ApiProperty({ type: 'string', isArray: true, description: 'Some of the keys.' }) sample!: readonly string[];
  @ApiProperty({ format: 'date-time' }) started_at!: string;
  @ApiProperty({ format: 'date-time' }) updated_at!: string;
  @ApiProperty({ format: 'date-time', type: String, nullable: true }) ended_at!: string | null;
}

export function invalidationAnswer(done: Invalidated, dryRun: boolean): InvalidatedAnswer | AcceptedInvalidationAnswer {
  if (done.kind === 'accepted') {
    return { operation: done.operation, pending: done.pending, deleted: null, dry_run: dryRun };
  }
  const { deleted, sample } = done;
  return { deleted, dry_run: dryRun, ...(sample === null ? {} : { sample }) };
}

export function operationAnswer(view: OperationView, admin: boolean): OperationAnswer {
  const { scanned, deleted, sample, nodes } = view.progress;
  return {
    id: view.id,
    state: view.state,
    pattern: view.pattern,
    dry_run: view.dryRun,
    scanned,
    deleted,
    nodes: nodes.map((one, at) => ({ ...one, node: admin ? one.node : String(at + 1) })),
    sample,
    started_at: view.startedAt,
    updated_at: view.updatedAt,
    ended_at: view.endedAt,
  };
}
