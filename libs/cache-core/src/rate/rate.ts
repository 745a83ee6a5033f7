/** How often something may be done, as it is written: `500/minuto`. */
export interface Rate {
  readonly requests: number;
  readonly windowSeconds: number;
}

const SECONDS: Readonly<Record<string, number>> = {
  segundo: 1,
  second: 1,
  s: 1,
  minuto: 60,
  minute: 60,
  min: 60,
  hora: 3600,
  hour: 3600,
  h: 3600,
  dia: 86_400,
  day: 86_400,
  d: 86_400,
};

const RATE = /^(\d{1,9})\s*\/\s*(\p{L}+)$/u;

export const RATE_FORM = 'N/segundo, N/minuto, N/hora or N/dia, such as 500/minuto';

/** Null for what is no rate. */
export function parseRate(text: string): Rate | null {
  const [, count, unit] = RATE.exec(text.trim()) ?? [];
  if (count === undefined || unit === undefined) return null;
  const plain = unit.normalize('NFKD').toLowerCase().replaceAll(/\p{M}/gu, '');
  const windowSeconds = secondsOf(plain) ?? secondsOf(plain.replace(/s$/, ''));
  return windowSeconds === undefined ? null : { requests: Number(count), windowSeconds };
}

function secondsOf(unit: string): number | undefined {
  return Object.hasOwn(SECONDS, unit) ? SECONDS[unit] : undefined;
}
