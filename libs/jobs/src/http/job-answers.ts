import { ApiProperty } from '@nestjs/swagger';
import type { JobState } from '../job/job-state.js';
import { PRIORITIES } from '../job/priority.js';
import type { SegmentMessages } from '../messages/campaign-messages.js';
import type { GenerationJob } from '../store/job-store.js';

const SHOWN_STATES = ['queued', 'running', 'retrying', 'completed', 'failed'] as const;
type ShownState = (typeof SHOWN_STATES)[number];

class JobErrorAnswer {
  @ApiProperty({ example: 'invalid_answer', description: 'Stable.' }) code!: string;
  @ApiProperty() message!: string;
}

const SEGMENTO = { oneOf: [{ type: 'string' }, { type: 'integer' }, { type: 'object' }] };

export class JobAnswer {
  @ApiProperty({ format: 'uuid' }) job_id!: string;
  @ApiProperty() campana_id!: string;
  @ApiProperty(SEGMENTO) segmento!: unknown;
  @ApiProperty({ enum: PRIORITIES }) priority!: string;
  @ApiProperty({ enum: SHOWN_STATES }) state!: ShownState;
  @ApiProperty({ type: 'integer', minimum: 0, maximum: 100 }) progress!: number;
  @ApiProperty({ type: 'integer', description: 'Runs that have begun.' }) attempts!: number;
  @ApiProperty({ type: JobErrorAnswer, nullable: true, description: 'Of the last attempt that failed.' })
  error!: JobErrorAnswer | null;
  @ApiProperty({ format: 'date-time' }) created_at!: string;
  @ApiProperty({ type: String, format: 'date-time', nullable: true }) started_at!: string | null;
  @ApiProperty({ type: String, format: 'date-time', nullable: true }) retry_at!: string | null;
  @ApiProperty({ type: String, format: 'date-time', nullable: true }) finished_at!: string | null;
}

export function jobAnswer(job: GenerationJob): JobAnswer {
  return {
    job_id: job.id,
    campana_id: job.campanaId,
    segmento: job.segmento,
    priority: job.priority,
    state: shown(job.state),
    progress: job.progress,
    attempts: job.attempt,
    error: job.error,
    created_at: job.createdAt.toISOString(),
    started_at: job.startedAt?.toISOString() ?? null,
    retry_at: job.retryAt?.toISOString() ?? null,
    finished_at: job.finishedAt?.toISOString() ?? null,
  };
}

function shown(state: JobState): ShownState {
  if (state === 'dead') return 'failed';
  return state === 'written' ? 'running' : state;
}

class DepthAnswer {
  @ApiProperty({ type: 'integer', description: 'All that wait, wherever they are.' }) depth!: number;
  @ApiProperty({
    type: 'integer',
    nullable: true,
    description: 'In the list that applications push to. Null: it is not known, or another type lies at its key.',
  })
  intake!: number | null;
  @ApiProperty({ type: 'integer', description: 'Waiting to be run.' }) queued!: number;
  @ApiProperty({ type: 'integer', description: 'Failed, and waiting to be tried again.' }) retrying!: number;
  @ApiProperty({ type: 'integer' }) running!: number;
  @ApiProperty({ type: 'integer', description: 'Given up; see the dead letters.' }) failed!: number;
}

class DepthsAnswer {
  @ApiProperty({ type: DepthAnswer }) high!: DepthAnswer;
  @ApiProperty({ type: DepthAnswer }) normal!: DepthAnswer;
  @ApiProperty({ type: DepthAnswer }) low!: DepthAnswer;
}

export class QueueAnswer {
  @ApiProperty({ example: 'ai_generation' }) queue!: string;
  @ApiProperty({ type: 'integer' }) depth!: number;
  @ApiProperty({ type: DepthsAnswer }) priorities!: DepthsAnswer;
}

class MessageAnswer {
  @ApiProperty({ type: 'integer' }) numero!: number;
  @ApiProperty() texto!: string;
  @ApiProperty() tono!: string;
}

class GenerationMetaAnswer {
  @ApiProperty({ type: 'integer', nullable: true }) tokens_total!: number | null;
  @ApiProperty({ type: 'number', nullable: true }) cost_total_usd!: number | null;
  @ApiProperty({ type: 'integer' }) tiempo_total_ms!: number;
  @ApiProperty({ type: 'integer' }) segmentos_procesados!: number;
  @ApiProperty({ format: 'date-time' }) fecha_generacion!: string;
}

class SegmentAnswer {
  @ApiProperty(SEGMENTO) segmento!: unknown;
  @ApiProperty({ description: 'Names the segment in `ai:campaign_messages:{campana_id}:{segmento_hash}`.' })
  segmento_hash!: string;
  @ApiProperty({ format: 'uuid' }) job_id!: string;
  @ApiProperty() model!: string;
  @ApiProperty({ type: MessageAnswer, isArray: true }) messages!: readonly MessageAnswer[];
  @ApiProperty({ type: GenerationMetaAnswer }) generation!: GenerationMetaAnswer;
}

export class CampaignMessagesAnswer {
  @ApiProperty() campana_id!: string;
  @ApiProperty({ type: SegmentAnswer, isArray: true }) segments!: readonly SegmentAnswer[];
  @ApiProperty({ type: String, nullable: true, description: 'For `?cursor=`; null on the last page.' })
  next_cursor!: string | null;
}

export function segmentAnswer(found: SegmentMessages): SegmentAnswer {
  return {
    segmento: found.segmento,
    segmento_hash: found.segmentoHash,
    job_id: found.jobId,
    model: found.model,
    messages: found.messages,
    generation: {
      tokens_total: found.tokensTotal,
      cost_total_usd: found.costTotalUsd,
      tiempo_total_ms: found.tookMs,
      segmentos_procesados: 1,
      fecha_generacion: found.generatedAt.toISOString(),
    },
  };
}

class DeadLetterAnswer {
  @ApiProperty({ format: 'uuid' }) id!: string;
  @ApiProperty({ enum: ['job', 'entry'], description: 'An entry was no request, and never became a job.' })
  kind!: 'job' | 'entry';
  @ApiProperty({ enum: PRIORITIES }) priority!: string;
  @ApiProperty() reason!: string;
  @ApiProperty({ type: String, nullable: true, description: 'What was pushed, as text, of an `entry`.' })
  entry!: string | null;
  @ApiProperty({ type: String, nullable: true }) campana_id!: string | null;
  @ApiProperty({ format: 'date-time' }) at!: string;
}

export class DeadLettersAnswer {
  @ApiProperty({ type: DeadLetterAnswer, isArray: true }) dead_letters!: readonly DeadLetterAnswer[];
  @ApiProperty({ type: String, nullable: true, description: 'For `?cursor=`; null on the last page.' })
  next_cursor!: string | null;
}

export class ReplayedAnswer {
  @ApiProperty({ type: 'integer' }) replayed!: number;
}
