/** Compiled by `tsc`, never run: each line marked as an error must stay one. */
import { keyspace, type Family, type KeyRef, type ValueOf } from '../src/index.js';

const hash = 'a'.repeat(64);

export const right: readonly KeyRef[] = [
  keyspace.llmResponse.at({ hash }),
  keyspace.apiCall.at({ service: 's', method: 'get', params_hash: hash }, 'acme'),
  keyspace.queueAiGeneration.at({ priority: 'high' }),
  keyspace.testConnection.at({}),
  keyspace.metricsClient.at({ cliente_id: 'c', 'yyyy-mm-dd': '2026-11-21' }),
];

// @ts-expect-error a segment is missing
keyspace.apiCall.at({ service: 's', params_hash: hash });
// @ts-expect-error a segment is misspelt
keyspace.apiCall.at({ servise: 's', method: 'get', params_hash: hash });
// @ts-expect-error a segment too many
keyspace.llmResponse.at({ hash, model: 'm' });
// @ts-expect-error a segment where there is none
keyspace.testConnection.at({ id: '1' });
// @ts-expect-error a segment is text
keyspace.session.at({ user_id: 7 });
// @ts-expect-error a segment may not be undefined
keyspace.session.at({ user_id: undefined });
// @ts-expect-error not one of the priorities
keyspace.queueAiGeneration.at({ priority: 'urgent' });
// @ts-expect-error no such family
void keyspace.llmRespones;

keyspace.mcpServerStatus.value.encode({
  status: 'up',
  last_health_check: '2026-11-21T00:00:00Z',
  requests_last_min: 1,
  avg_response_time: 2.5,
  errors_last_hour: 0,
});
// @ts-expect-error a field of a hash is missing
keyspace.mcpServerStatus.value.encode({ status: 'up' });
// @ts-expect-error a field has the wrong type
keyspace.metricsHour.value.encode({ requests: '1' });
// @ts-expect-error a field is misspelt
keyspace.metricsHour.value.encode({ request: 1 });
// @ts-expect-error not one of the states
keyspace.circuitBreaker.value.encode({ status: 'ajar', failures: 0 });
// @ts-expect-error a counter takes a number
keyspace.ratelimitIp.value.encode('1');
// @ts-expect-error an item lacks a field
keyspace.aiCampaignMessages.value.encode([{ numero: 1, texto: 'Hola' }]);
// @ts-expect-error a generation without its content
keyspace.aiGeneration.value.encode({ tokens_used: 1, cost_usd: 0.1, timestamp: 'now' });

export const generation: ValueOf<typeof keyspace.aiGeneration> = {
  content: 'Hola',
  tokens_used: 3,
  cost_usd: null,
  timestamp: '2026-11-21T00:00:00Z',
};
// @ts-expect-error the wrong type of value
export const wrong: ValueOf<typeof keyspace.revenue> = '12.5';
export const scores: ValueOf<typeof keyspace.leaderboardContent> = new Map([['content-1', 0.9]]);

/** A family that is only known at run time takes any segments and checks them then. */
export function fromRequest(family: Family, segments: Record<string, string>): KeyRef {
  return family.at(segments);
}
fromRequest(keyspace.lead, {});
