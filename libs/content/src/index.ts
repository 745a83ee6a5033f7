export { CONTENT_MIGRATIONS } from './content-migrations.js';
export type { ContentOptions, ContentOutbox, OutdatedContent } from './content-options.js';
export { ContentModule, type ContentAsyncOptions } from './content.module.js';
export { MongoSource, type MongoSourceOptions } from './search/mongo-source.js';
export {
  campaignHash,
  descriptionHash,
  readCampaignSearch,
  readSearchRequest,
  type SearchedBy,
} from './search/search-request.js';
export type { FoundImage, Match, VectorQuery, VectorSource } from './search/vector-source.js';
