import { ApiProperty } from '@nestjs/swagger';
import { parseRate, RATE_FORM } from '@promptsales/cache-core';
import { ArrayMaxSize, IsArray, IsIn, IsInt, IsString, Length, Matches, Max, Min, ValidateBy } from 'class-validator';
import { ConfigurationError } from '../configuration-error.js';
import type { ConfigurationType } from '../configuration-tables.js';
import { isJsonObject, type Json, type JsonObject } from '../json.js';
import type { ShownConfiguration } from '../stored/configurations.js';

const CONFIGURATION = {
  type: 'object' as const,
  additionalProperties: true,
  description:
    'Any members. Values of members called token, api_key, password, secret, credentials and the like are secrets.',
};

/** `POST /api/providers/{provider}`: known members; all others are kept as they are. */
export const PROVIDER_SCHEMA = {
  ...CONFIGURATION,
  properties: {
    base_url: { type: 'string', format: 'uri', example: 'https://api.openai.com/v1' },
    token: { type: 'string', description: 'The credential. A mask that is sent back leaves it as it was.' },
    user: { type: 'string' },
    models: { type: 'array', items: { type: 'string' }, description: 'Models that are asked here.' },
    protocol: {
      type: 'string',
      enum: ['openai', 'anthropic'],
      description: 'What it speaks. Left out: `anthropic` for the provider of that name, `openai` for any other.',
    },
    price_overrides: {
      type: 'object',
      description: 'USD for a million tokens by class, by model.',
      example: { 'gpt-4o-mini': { input: '0.15', output: '0.6' } },
      additionalProperties: { type: 'object', additionalProperties: { type: 'string' } },
    },
  },
};

export const PROVIDER_ANSWER_SCHEMA = {
  ...PROVIDER_SCHEMA,
  required: ['config_key', 'updated_at'],
  properties: {
    ...PROVIDER_SCHEMA.properties,
    token: { type: 'string', example: 'ghp_…123' },
    config_key: { type: 'string', example: 'github' },
    updated_at: { type: 'string', format: 'date-time' },
  },
};

/** The members that an answer adds, so that an answer may be sent back as it is. */
const ADDED = new Set(['config_key', 'updated_at']);

/** @throws ConfigurationError for what is no configuration of this provider */
export function providerIn(body: unknown, provider: string): JsonObject {
  if (!isJsonObject(body)) throw notAnObject('');
  if (Object.hasOwn(body, 'config_key') && body['config_key'] !== provider) {
    throw new ConfigurationError('configuration_invalid', 'config_key: names another provider than the path does', [
      { path: 'config_key', message: 'names another provider than the path does' },
    ]);
  }
  return Object.fromEntries(Object.entries(body).filter(([name]) => !ADDED.has(name)));
}

export function providerAnswer({ key, value, updatedAt }: ShownConfiguration): Record<string, Json> {
  return { ...value, config_key: key, updated_at: updatedAt };
}

/** `POST /api/configurations/{key}` */
export class ConfigurationBody {
  @ApiProperty(CONFIGURATION)
  @ValidateBy({
    name: 'isJsonObject',
    validator: { validate: isJsonObject, defaultMessage: () => '$property must be an object' },
  })
  value!: JsonObject;

  @ApiProperty({ enum: ['provider', 'system'] })
  @IsIn(['provider', 'system'])
  type!: ConfigurationType;
}

export class ConfigurationAnswer {
  @ApiProperty({ example: 'smtp' }) key!: string;
  @ApiProperty({ enum: ['provider', 'system'] }) type!: ConfigurationType;
  @ApiProperty({ ...CONFIGURATION, description: 'Secrets are masked.' }) value!: JsonObject;
  @ApiProperty({ format: 'date-time' }) updated_at!: string;
}

export function configurationAnswer({ key, type, value, updatedAt }: ShownConfiguration): ConfigurationAnswer {
  return { key, type, value, updated_at: updatedAt };
}

/** `PUT /v1/clients/{client_name}/config` */
export class ClientConfigurationBody {
  @ApiProperty({ type: [String], description: 'Tools that the client may call.', example: ['generateImage'] })
  @IsArray()
  @ArrayMaxSize(1000)
  @IsString({ each: true })
  @Length(1, 200, { each: true })
  tools_acceso!: string[];

  @ApiProperty({ example: '500/minuto', description: RATE_FORM })
  @IsString()
  @ValidateBy({
    name: 'isRate',
    validator: {
      validate: (value: unknown) => typeof value === 'string' && parseRate(value) !== null,
      defaultMessage: () => `$property must be ${RATE_FORM}`,
    },
  })
  rate_limit!: string;

  @ApiProperty({ minimum: 0, maximum: 1_000_000_000, example: 1000 })
  @IsInt()
  @Min(0)
  @Max(1_000_000_000)
  max_requests_hora!: number;

  @ApiProperty({ example: 'activo', description: 'Anything but `activo` keeps the client from calling.' })
  @IsString()
  @Matches(/^\p{L}[\p{L}\p{N}_-]{0,39}$/u, { message: '$property must be a word such as activo' })
  estado!: string;
}

export class ClientConfigurationAnswer {
  @ApiProperty({ type: [String] }) tools_acceso!: readonly string[];
  @ApiProperty({ example: '500/minuto' }) rate_limit!: string;
  @ApiProperty() max_requests_hora!: number;
  @ApiProperty({ example: 'activo' }) estado!: string;
}

function notAnObject(path: string): ConfigurationError {
  const message = 'must be a JSON object';
  return new ConfigurationError('validation_failed', `The configuration ${message}.`, [{ path, message }]);
}
