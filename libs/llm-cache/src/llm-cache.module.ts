import {
  type BeforeApplicationShutdown,
  type DynamicModule,
  type FactoryProvider,
  Inject,
  Injectable,
  Logger,
  Module,
  type ModuleMetadata,
  type OnModuleInit,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import { GenerationsController } from './generations/generations.controller.js';
import { AnswerKeys } from './gateway/answer-keys.js';
import { FeedbackController } from './semantic/feedback.controller.js';
import { DEFAULT_ONLY, GatewayService, SHUTDOWN_MS, type LlmCacheOptions } from './http/gateway-service.js';

export interface LlmCacheAsyncOptions {
  readonly imports?: NonNullable<ModuleMetadata['imports']>;
  readonly inject?: NonNullable<FactoryProvider['inject']>;
  /** False: for a process that asks the gateway itself, and serves nobody. @default true */
  readonly routes?: boolean;
  /** A method, so that its parameters may have the types of what is injected. */
  useFactory(...dependencies: unknown[]): LlmCacheOptions | Promise<LlmCacheOptions>;
}

/** For flights that were given up, to settle their lines. */
const CLOSE_MARGIN_MS = 500;
const OPTIONS = Symbol('LlmCacheOptions');
const ROUTES = Symbol('LlmCacheRoutes');

/** Registers the routes while the application starts, and ends its flights when it stops. */
@Injectable()
class GatewayLifecycle implements OnModuleInit, BeforeApplicationShutdown {
  readonly #host: HttpAdapterHost;
  readonly #service: GatewayService;
  readonly #closeWithinMs: number;

  constructor(
    host: HttpAdapterHost,
    @Inject(GatewayService) service: GatewayService,
    @Inject(OPTIONS) options: LlmCacheOptions,
    @Inject(ROUTES) private readonly routes: boolean,
  ) {
    this.#host = host;
    this.#service = service;
    this.#closeWithinMs = (options.shutdownMs ?? SHUTDOWN_MS) + CLOSE_MARGIN_MS;
  }

  async onModuleInit(): Promise<void> {
    if (this.routes) await this.#service.register(this.#host.httpAdapter.getInstance<FastifyInstance>());
  }

  /** Never fails and never hangs: what comes after it, such as the ledger's last lines, must not be lost with it. */
  async beforeApplicationShutdown(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const bound = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error('its flights did not end in time')), this.#closeWithinMs);
    });
    try {
      await Promise.race([this.#service.close(), bound]);
    } catch (error) {
      new Logger('LlmCache').error(`The gateway could not be ended in order: ${String(error)}`);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** The endpoints of `gateway/endpoints.ts` and `GET /v1/models` on the application's Fastify instance; `POST /v1/generations` and `/v1/feedback`. */
@Module({})
export class LlmCacheModule {
  static forRoot(options: LlmCacheOptions): DynamicModule {
    return LlmCacheModule.forRootAsync({ useFactory: () => options });
  }

  static forRootAsync(options: LlmCacheAsyncOptions): DynamicModule {
    const { routes = true } = options;
    return {
      module: LlmCacheModule,
      controllers: routes ? [GenerationsController, FeedbackController] : [],
      imports: options.imports ?? [],
      providers: [
        { provide: ROUTES, useValue: routes },
        { provide: OPTIONS, inject: options.inject ?? [], useFactory: options.useFactory.bind(options) },
        {
          provide: GatewayService,
          inject: [OPTIONS],
          useFactory: (given: LlmCacheOptions) => new GatewayService(given),
        },
        GatewayLifecycle,
        {
          provide: AnswerKeys,
          inject: [OPTIONS],
          useFactory: ({ upstreams, policies }: LlmCacheOptions) => new AnswerKeys(upstreams, policies ?? DEFAULT_ONLY),
        },
      ],
      exports: [AnswerKeys, GatewayService],
    };
  }
}
