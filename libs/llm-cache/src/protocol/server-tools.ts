import type { JsonObject } from './protocol.js';

/** Members by which providers are asked to search the web, beside tools. */
const SEARCH_MEMBERS = ['web_search_options', 'search_parameters', 'plugins', 'web_search'] as const;
/** Models that search without being asked. */
const SEARCH_MODELS = /-search-preview|-search-api|:online$|^(?:perplexity\/)?sonar/;

/** The answer will depend on what the web says at the time. */
export function asksForWebSearch(body: JsonObject, model: string): boolean {
  return (
    SEARCH_MODELS.test(model) || SEARCH_MEMBERS.some((member) => body[member] !== undefined && body[member] !== null)
  );
}
