import {
  Inject,
  Injectable,
  Module,
  type BeforeApplicationShutdown,
  type DynamicModule,
  type FactoryProvider,
} from '@nestjs/common';
import { Database } from '@promptsales/database';
import { Policies } from './policies.js';
import { PoliciesController, POLICY_ACTOR_OF, type PolicyActorOf } from './policies.controller.js';
import { PolicyDirectory } from './policy-directory.js';

export interface PoliciesModuleOptions {
  readonly actorOf: PolicyActorOf;
  /** Told why changed policies could not be looked for; the last known ones stay in force. */
  readonly watchFailed?: (error: unknown) => void;
}

export interface PoliciesModuleAsyncOptions {
  readonly inject: NonNullable<FactoryProvider['inject']>;
  /** @default true */
  readonly routes?: boolean;
  /** A method, so that its parameters may have the types of what is injected. */
  useFactory(...dependencies: unknown[]): PoliciesModuleOptions;
}

const OPTIONS = Symbol('PoliciesModuleOptions');

@Injectable()
class DirectoryEnd implements BeforeApplicationShutdown {
  constructor(@Inject(PolicyDirectory) private readonly directory: PolicyDirectory) {}

  beforeApplicationShutdown(): void {
    this.directory.stop();
  }
}

/** The policies in force and their routes `/v1/llm/policies`, on the application's `Database` (with `POLICY_MIGRATIONS`). */
@Module({})
export class PoliciesModule {
  static forRootAsync(options: PoliciesModuleAsyncOptions): DynamicModule {
    return {
      module: PoliciesModule,
      global: true,
      controllers: options.routes === false ? [] : [PoliciesController],
      providers: [
        { provide: OPTIONS, inject: options.inject, useFactory: (...given: unknown[]) => options.useFactory(...given) },
        {
          provide: POLICY_ACTOR_OF,
          inject: [OPTIONS],
          useFactory: ({ actorOf }: PoliciesModuleOptions) => actorOf,
        },
        { provide: Policies, inject: [Database], useFactory: (database: Database) => new Policies(database) },
        {
          provide: PolicyDirectory,
          inject: [Database, OPTIONS],
          useFactory: (database: Database, { watchFailed }: PoliciesModuleOptions) =>
            new PolicyDirectory(database, watchFailed).start(),
        },
        DirectoryEnd,
      ],
      exports: [PolicyDirectory],
    };
  }
}
