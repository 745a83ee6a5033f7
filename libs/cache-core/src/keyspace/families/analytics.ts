/** Role `analytics`: counts, usage, leaderboards, dashboards. Never evicted; snapshotted to PostgreSQL. */
import { Type } from 'typebox';
import { Family } from '../family.js';
import { sortedSet } from '../values/collection-values.js';
import { hash, integerField, jsonField, numberField, optional, textField } from '../values/hash-value.js';
import { json, number } from '../values/string-values.js';

const DAY_SECONDS = 86_400;
const MONTH_SECONDS = 30 * DAY_SECONDS;

/** Kept for as long as ANALYTICS_TTL says, but never less than the day that is still being counted. */
const history = {
  role: 'analytics',
  ttlSeconds: MONTH_SECONDS,
  ttlRange: { min: DAY_SECONDS, max: 400 * DAY_SECONDS },
  ttlVariable: 'ANALYTICS_TTL',
} as const;

const count = number(Type.Number());

export const metricsContent = new Family({
  id: 'metrics.content',
  pattern: 'metrics:content:{campana_id}',
  role: 'analytics',
  description: "Numbers of one campaign's content.",
  value: hash({
    total_contenido: optional(integerField()),
    contenido_aprobado: optional(integerField()),
    contenido_pendiente: optional(integerField()),
    engagement_promedio: optional(numberField()),
    veces_usado_total: optional(integerField()),
    ultima_actualizacion: optional(textField()),
  }),
  ttlSeconds: 900,
  otherWriters: true,
});

export const metricsClient = new Family({
  id: 'metrics.client',
  pattern: 'metrics:client:{cliente_id}:daily:{yyyy-mm-dd}',
  role: 'analytics',
  description: 'What one client used on one day.',
  value: hash({
    requests_total: optional(integerField()),
    tokens_consumidos: optional(integerField()),
    cost_total_usd: optional(numberField()),
    tools_mas_usadas: optional(jsonField(Type.Unknown())),
    avg_response_time: optional(numberField()),
  }),
  ttlSeconds: 2 * DAY_SECONDS,
  ttlRange: { min: DAY_SECONDS, max: 400 * DAY_SECONDS },
  otherWriters: true,
});

export const metricsHour = new Family({
  ...history,
  id: 'metrics.hour',
  pattern: 'metrics:hour:{hour}',
  description: 'Totals of one hour.',
  value: hash({
    requests: optional(integerField()),
    tokens: optional(integerField()),
    errors: optional(integerField()),
  }),
});

export const metricsNamed = new Family({
  ...history,
  id: 'metrics.named',
  pattern: 'metrics:{metric}:hour:{hour}',
  description: 'Any named metric, by hour.',
  value: count,
});

export const metricsLabelled = new Family({
  ...history,
  id: 'metrics.labelled',
  pattern: 'metrics:{metric}:{label}:{value}:hour:{hour}',
  description: 'Any named metric, by hour and by the value of one label.',
  value: count,
});

export const modelUsage = new Family({
  ...history,
  id: 'model_usage',
  pattern: 'model_usage:{model}:day:{date}',
  description: 'Calls of one model on one day.',
  value: number(Type.Integer({ minimum: 0 })),
});

export const revenue = new Family({
  ...history,
  id: 'revenue',
  pattern: 'revenue:day:{date}',
  description: 'Revenue of one day.',
  value: count,
});

export const dashboardCampaign = new Family({
  ...history,
  id: 'dashboard.campaign',
  pattern: 'dashboard:campaign_performance:{campana_id}:daily:{yyyy-mm-dd}',
  description: 'What one campaign generated and cost on one day.',
  value: hash({
    contenido_generado: optional(integerField()),
    mensajes_generados: optional(integerField()),
    tokens_consumidos: optional(integerField()),
    cost_total: optional(numberField()),
    avg_engagement: optional(numberField()),
  }),
  otherWriters: true,
});

export const leaderboardContent = new Family({
  id: 'leaderboard.content',
  pattern: 'leaderboard:content:{campana_id}:engagement',
  role: 'analytics',
  description: "A campaign's content by engagement. Member: content id; score: engagement.",
  value: sortedSet('content id'),
  ttlSeconds: 3600,
});

export const dashboardMetrics = new Family({
  id: 'dashboard.metrics',
  pattern: 'dashboard:metrics:{name}',
  role: 'analytics',
  description: 'Aggregated numbers that a dashboard shows.',
  value: json(Type.Unknown()),
  ttlSeconds: 300,
});
