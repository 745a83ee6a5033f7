import { ApiProperty } from '@nestjs/swagger';
import { MOST_REJECTIONS, type ImportState } from '../import/import-table.js';

class RejectionAnswer {
  @ApiProperty({ type: 'integer', description: 'Where the row begins, from 1.' }) line!: number;
  @ApiProperty({ example: 'id: must be a UUID' }) reason!: string;
}

export class ImportAnswer {
  @ApiProperty({ type: 'integer' }) imported!: number;
  @ApiProperty({ type: RejectionAnswer, isArray: true, description: `The first ${MOST_REJECTIONS}, by line.` })
  rejected!: readonly RejectionAnswer[];
  @ApiProperty({ type: 'integer' }) rejected_total!: number;
  @ApiProperty({ description: '`rejected` does not name all of them.' }) truncated!: boolean;
  @ApiProperty({ description: 'Its Idempotency-Key.' }) import_id!: string;
  @ApiProperty({
    enum: ['running', 'done'],
    description: '`running`: not at its end; when `updated_at` stands still, it waits for the file to be sent again.',
  })
  state!: string;
  @ApiProperty({ format: 'date-time' }) started_at!: string;
  @ApiProperty({ format: 'date-time' }) updated_at!: string;
}

export function importAnswer(state: ImportState): ImportAnswer {
  const rejected = state.rejections.slice(0, MOST_REJECTIONS);
  return {
    imported: Number(state.imported),
    rejected,
    rejected_total: Number(state.rejected),
    truncated: Number(state.rejected) > rejected.length,
    import_id: state.id,
    state: state.state,
    started_at: state.started_at.toISOString(),
    updated_at: state.updated_at.toISOString(),
  };
}
