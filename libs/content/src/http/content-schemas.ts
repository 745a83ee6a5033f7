/** The OpenAPI schemas of content. */
const FIELDS = {
  campana_id: { type: 'string' },
  cliente_id: { type: 'string' },
  descripcion: { type: 'string', description: 'What it is found by, with its hashtags' },
  hashtags: { type: 'array', items: { type: 'string' } },
  url_almacenamiento: {
    type: 'string',
    format: 'uri',
    description: 'Where it lies; a search finds only what has an address',
  },
  url_thumbnail: { type: 'string', format: 'uri' },
  formato: { type: 'string', example: 'png' },
  aprobado: { type: 'boolean' },
  created_at: { type: 'string', format: 'date-time' },
};

export const CONTENT_BODY = {
  type: 'object' as const,
  required: ['campana_id', 'cliente_id', 'descripcion', 'formato'],
  properties: FIELDS,
};

export const CONTENT_SCHEMA = {
  type: 'object' as const,
  required: ['campana_id', 'cliente_id', 'descripcion', 'hashtags', 'formato', 'aprobado', 'created_at'],
  properties: FIELDS,
};

export const SEARCH_BODY = {
  type: 'object' as const,
  required: ['description'],
  properties: {
    description: { type: 'string', example: 'a red bicycle at the sea' },
    limit: { type: 'integer', minimum: 1, maximum: 100, default: 10 },
  },
};

export const SEARCH_SCHEMA = {
  type: 'object' as const,
  required: ['images', 'timestamp', 'cached'],
  properties: {
    images: {
      type: 'array',
      items: {
        type: 'object',
        required: ['id', 'url', 'hashtags', 'score'],
        properties: {
          id: { type: 'string' },
          url: { type: 'string', format: 'uri' },
          hashtags: { type: 'array', items: { type: 'string' } },
          score: { type: 'number', minimum: -1, maximum: 1, description: 'Cosine similarity; the best come first' },
        },
      },
    },
    timestamp: { type: 'string', format: 'date-time', description: 'When it was searched' },
    cached: { type: 'boolean', description: 'It was there already, or somebody else was searching for it' },
  },
};
