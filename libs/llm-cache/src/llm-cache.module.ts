import {
  type BeforeApplicationShutdown,
  type DynamicModule,
  type FactoryProvider,
  Inject,
  Injectable,
  Module,
  type ModuleMetadata,
  type OnModuleInit,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import { GatewayService, type LlmCacheOptions } from './http/gateway-service.js';

export interface LlmCacheAsyncOptions {
  readonly imports?: NonNullable<ModuleMetadata['imports']>;
  readonly inject?: NonNullable<FactoryProvider['inject']>;
  /** A method, so that its parameters may have the types of what is injected. */
  useFactory(...dependencies: unknown[]): LlmCacheOptions | Promise<LlmCacheOptions>;
}

const OPTIONS = Symbol('LlmCacheOptions');

/** Registers the routes while the application starts, and ends its flights when it stops. */
@Injectable()
class GatewayLifecycle implements OnModuleInit, BeforeApplicationShutdown {
  readonly #host: HttpAdapterHost;
  readonly #service: GatewayService;

  constructor(host: HttpAdapterHost, @Inject(OPTIONS) options: LlmCacheOptions) {
    this.#host = host;
    this.#service = new GatewayService(options);
  }

  onModuleInit(): Promise<void> {
    return this.#service.register(this.#host.httpAdapter.getInstance<FastifyInstance>());
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.#service.close();
  }
}

/** `POST /v1/chat/completions` and `GET /v1/models` on the application's Fastify instance. */
@Module({})
export class LlmCacheModule {
  static forRoot(options: LlmCacheOptions): DynamicModule {
    return LlmCacheModule.forRootAsync({ useFactory: () => options });
  }

  static forRootAsync(options: LlmCacheAsyncOptions): DynamicModule {
    return {
      module: LlmCacheModule,
      imports: options.imports ?? [],
      providers: [
        { provide: OPTIONS, inject: options.inject ?? [], useFactory: options.useFactory.bind(options) },
        GatewayLifecycle,
      ],
    };
  }
}
