/** `record`: an object of fifty fields, 0.9 kB as JSON, what an application caches of a row. `short`: a few words. */
export type SampleKind = 'record' | 'short';

export function sampleValue(key: string, kind: SampleKind): unknown {
  return kind === 'record' ? record(key) : `the value of ${key}`;
}

function record(key: string): Record<string, unknown> {
  const value: Record<string, unknown> = { key };
  for (let field = 1; field < 50; field += 1) {
    value[`field_${field}`] = field % 3 === 0 ? field * 1.5 : field % 3 === 1 ? `${key} ${field}` : field % 2 === 0;
  }
  return value;
}
