/** What a request to an endpoint of OpenAI's kind says that makes the provider look into the world by itself. */
import { given } from './json-object.js';
import type { JsonObject } from './protocol.js';

/** Members by which providers are asked to search the web, beside tools. */
const SEARCH_MEMBERS = ['web_search_options', 'search_parameters', 'plugins', 'web_search', 'enable_search'] as const;
/** Models that search, or run tools of their provider, without being asked. */
const ACTIVE_MODELS =
  /-search-preview|-search-api|-deep-research|:online$|^(?:perplexity\/)?sonar|^(?:groq\/)?compound(?:-|$)/;

/** The answer will depend on what the world is like at the time. */
export function asksForServerTools(body: JsonObject, model: string): boolean {
  return ACTIVE_MODELS.test(model) || SEARCH_MEMBERS.some((member) => isSwitchedOn(body[member]));
}

function isSwitchedOn(value: unknown): boolean {
  return given(value) && value !== false;
}
