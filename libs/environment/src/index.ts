export { configurationPage } from './configuration-page.js';
export { EnvironmentError, type VariableProblem } from './environment-error.js';
export type { Address } from './list-kinds.js';
export { readEnvironment, type Environment, type ReadOptions } from './read-environment.js';
export { Secret } from './secret.js';
export { REDIS_ROLES, SCOPE_NAMES, type RedisRole } from './variables.js';
