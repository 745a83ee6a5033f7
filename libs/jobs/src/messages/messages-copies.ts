import {
  companions,
  keyspace,
  loadScript,
  physicalKey,
  type KeyRef,
  type RedisLink,
  type RedisRoles,
  type ScriptArgument,
} from '@promptsales/cache-core';
import type { SegmentMessages } from './campaign-messages.js';

const WRITE = loadScript(new URL('./lua/write-copies.lua', import.meta.url));

export interface CopiesSettings {
  readonly keyPrefix: string;
  /** Seconds by family id; a family not named has its own default. */
  readonly ttls: Readonly<Record<string, number | null>>;
}

interface Copy {
  readonly keys: readonly [string, string];
  readonly args: readonly ScriptArgument[];
}

/** The segments of one generation: a job is about one. */
const SEGMENTS_OF_A_JOB = 1;

/**
 * The documented copies of a segment's messages in Redis: the list and the hash beside it, written in one step. A number
 * beside each keeps a writer that was stopped from putting older ones back.
 *
 * On a cluster whose KEY_PREFIX has no hash tag the two keys lie in different slots, and no step can have both: the list
 * is written first, then the hash.
 */
export class MessagesCopies {
  readonly #link: RedisLink;
  readonly #settings: CopiesSettings;

  constructor(roles: RedisRoles, settings: Partial<CopiesSettings> = {}) {
    this.#link = roles.link('llm');
    this.#settings = { keyPrefix: '', ttls: {}, ...settings };
  }

  /** @throws RedisUnavailableError */
  async write(tenant: string, written: SegmentMessages): Promise<void> {
    const segments = { campana_id: written.campanaId, segmento_hash: written.segmentoHash };
    const { aiCampaignMessages, aiGenerationMeta } = keyspace;
    const items = aiCampaignMessages.value.encode(written.messages.map((message) => ({ ...message })));
    const fields = aiGenerationMeta.value.encode({
      ...(written.tokensTotal === null ? {} : { tokens_total: written.tokensTotal }),
      ...(written.costTotalUsd === null ? {} : { cost_total_usd: written.costTotalUsd }),
      tiempo_total_ms: written.tookMs,
      segmentos_procesados: SEGMENTS_OF_A_JOB,
      fecha_generacion: written.generatedAt.toISOString(),
    });
    const copies = [
      this.#copy(aiCampaignMessages.at(segments, tenant), 'list', items),
      this.#copy(aiGenerationMeta.at(segments, tenant), 'hash', Object.entries(fields).flat()),
    ];
    const steps =
      this.#link.clustered && !this.#settings.keyPrefix.includes('{') ? copies.map((one) => [one]) : [copies];
    for (const step of steps) {
      await this.#link.run(
        WRITE,
        step.flatMap(({ keys }) => keys),
        [written.fence, ...step.flatMap(({ args }) => args)],
      );
    }
  }

  #copy(ref: KeyRef, kind: 'list' | 'hash', values: readonly string[]): Copy {
    const { keyPrefix, ttls } = this.#settings;
    const ttlSeconds = ttls[ref.family.id] ?? ref.family.ttlSeconds ?? 0;
    return {
      keys: [physicalKey(keyPrefix, ref.key), companions.fence.beside(ref, keyPrefix)],
      args: [kind, ttlSeconds * 1000, values.length, ...values],
    };
  }
}
