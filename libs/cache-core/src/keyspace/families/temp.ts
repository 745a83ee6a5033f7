/** Role `temp`: exports and uploads that expire. */
import { Type } from 'typebox';
import { Family } from '../family.js';
import { hash, integerField, textField } from '../values/hash-value.js';

const DAY_SECONDS = 86_400;

const manifest = () =>
  hash({
    name: textField(),
    content_type: textField(),
    size: integerField(),
    sha256: textField(Type.String({ pattern: '^[0-9a-f]{64}$' })),
    chunks: integerField(),
  });

const atMostADay = {
  role: 'temp',
  ttlSeconds: DAY_SECONDS,
  ttlRange: { min: 1, max: DAY_SECONDS },
  ttlVariable: 'TEMP_DATA_TTL',
} as const;

export const tempExport = new Family({
  ...atMostADay,
  id: 'temp.export',
  pattern: 'temp:export:{id}',
  description: 'Manifest of an export; its bytes lie in chunk keys of the same slot.',
  value: manifest(),
});

export const tempUpload = new Family({
  ...atMostADay,
  id: 'temp.upload',
  pattern: 'temp:upload:{id}',
  description: 'Manifest of an upload; its bytes lie in chunk keys of the same slot.',
  value: manifest(),
});
