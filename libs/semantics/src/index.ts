// vectors of texts
export { type Embedded, type Embedder, EmbedderError, type EmbedderErrorCode } from './embedding/embedder.js';
export { LEXICAL_DIMENSIONS, LexicalEmbedder, lexicalVector } from './embedding/lexical-embedder.js';
export { OpenAiEmbedder, type OpenAiEmbedderOptions } from './embedding/openai-embedder.js';
export { dot, toUnit } from './embedding/vector.js';
