import { Module, type DynamicModule, type FactoryProvider } from '@nestjs/common';
import { CONTENT_OPTIONS, type ContentOptions } from './content-options.js';
import { Contents } from './content/contents.js';
import { ContentsController } from './http/contents.controller.js';
import { SearchController } from './http/search.controller.js';
import { TenantGuard } from './http/tenant-guard.js';
import { ContentSearch } from './search/content-search.js';
import { Embedding } from './search/embedding.js';

export interface ContentAsyncOptions {
  readonly inject: NonNullable<FactoryProvider['inject']>;
  /** A method, so that its parameters may have the types of what is injected. */
  useFactory(...dependencies: unknown[]): ContentOptions;
}

/** Content and its search over HTTP. Needs `CacheCoreModule` and `Database` (with `CONTENT_MIGRATIONS`), global. */
@Module({})
export class ContentModule {
  static forRootAsync(options: ContentAsyncOptions): DynamicModule {
    const settings: FactoryProvider<ContentOptions> = {
      provide: CONTENT_OPTIONS,
      inject: options.inject,
      useFactory: (...dependencies: unknown[]) => options.useFactory(...dependencies),
    };
    return {
      module: ContentModule,
      controllers: [ContentsController, SearchController],
      providers: [settings, Embedding, Contents, ContentSearch, TenantGuard],
    };
  }
}
