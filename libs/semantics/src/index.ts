// vectors of texts
export { type Embedded, type Embedder, EmbedderError, type EmbedderErrorCode } from './embedding/embedder.js';
export { LEXICAL_DIMENSIONS, LexicalEmbedder, lexicalVector } from './embedding/lexical-embedder.js';
export { OpenAiEmbedder, type OpenAiEmbedderOptions } from './embedding/openai-embedder.js';
export { dot, toUnit } from './embedding/vector.js';

// what speaks for and against two texts asking for the same
export { compare, TEXT_FEATURES, type Comparison, type Objection, type Reservation } from './gate/comparison.js';
export { FORMS, type Form } from './gate/forms.js';
export { profileOf, type TextProfile } from './gate/profile.js';

// the nearest of many
export { NeighbourIndex, type Neighbour } from './index/neighbour-index.js';

// when a stored answer is known to be right often enough
export { binomialCdf, fewestClean, lowerBound, shows, upperBound } from './decision/binomial.js';
export {
  Evidence,
  type Assessment,
  type Candidate,
  type EvidenceSettings,
  type Observation,
} from './decision/evidence.js';
export { PRIOR } from './decision/prior.js';
export { finished, inTurns, type Work } from './decision/work.js';

// whether two answers say the same
export { LexicalJudge, type AnswerJudge } from './judge/answer-judge.js';
