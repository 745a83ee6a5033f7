/**
 * Every key that the platform writes belongs to one of these families. A property's name is its family's id in camel case.
 */
import { Catalogue, type ParsedKey } from './catalogue.js';
import { changeKeys } from './change-keys.js';
import { companions } from './companion.js';
import * as analytics from './families/analytics.js';
import * as cache from './families/cache.js';
import * as llm from './families/llm.js';
import * as nest from './families/nest.js';
import * as ratelimit from './families/ratelimit.js';
import * as sessions from './families/sessions.js';
import * as state from './families/state.js';
import * as temp from './families/temp.js';
import { queueKeys } from './queue-keys.js';
import { versionKeys } from './version-key.js';

export const keyspace = Object.freeze({
  ...cache,
  ...llm,
  ...sessions,
  ...ratelimit,
  ...analytics,
  ...state,
  ...temp,
  ...nest,
});

export const catalogue = new Catalogue(Object.values(keyspace), [
  ...Object.values(companions),
  versionKeys,
  changeKeys,
  queueKeys,
]);

/** See `Catalogue.parseKey`. */
export function parseKey(key: string): ParsedKey | null {
  return catalogue.parseKey(key);
}
