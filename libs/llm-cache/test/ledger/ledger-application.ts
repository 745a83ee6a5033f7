/** The ledger and its routes as one process of the API has them, on a database of the test's. */
import { type INestApplication, Module, ValidationPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Database, DatabaseModule } from '@promptsales/database';
import { Ledger, LedgerModule, ledgerMigrations, type LedgerModuleOptions, SavingsModule } from '../../src/index.js';
import { PATIENT_DATABASE, PATIENT_LEDGER } from './patience.js';

@Module({})
class Application {}

export interface Answered {
  readonly status: number;
  readonly type: string;
  readonly text: string;
  json(): unknown;
}

export class LedgerApplication {
  private constructor(
    readonly app: INestApplication,
    readonly noted: unknown[],
  ) {}

  static async start(url: string, options: LedgerModuleOptions = {}): Promise<LedgerApplication> {
    const noted: unknown[] = [];
    const imports = [
      DatabaseModule.forRoot({ url, migrations: [ledgerMigrations], ...PATIENT_DATABASE }),
      LedgerModule.forRoot({ tuning: PATIENT_LEDGER, ...options }),
      SavingsModule.forRoot({
        callerOf: ({ headers }) => ({
          tenant: String(headers['x-tenant'] ?? 'acme'),
          admin: headers['x-admin'] === 'yes',
        }),
        notePrices: (_request, _transaction, act) => {
          noted.push(act);
          return Promise.resolve();
        },
      }),
    ];
    const app = await NestFactory.create<NestFastifyApplication>(
      { module: Application, imports },
      new FastifyAdapter(),
      {
        logger: ['error'],
      },
    );
    app.useGlobalPipes(new ValidationPipe({ transform: true, whitelist: true, forbidNonWhitelisted: true }));
    await app.init();
    await app.getHttpAdapter().getInstance().ready();
    return new LedgerApplication(app, noted);
  }

  get ledger(): Ledger {
    return this.app.get(Ledger);
  }

  get database(): Database {
    return this.app.get(Database);
  }

  async get(url: string, headers: Record<string, string> = { 'x-admin': 'yes' }): Promise<Answered> {
    return this.#inject('GET', url, headers);
  }

  async put(url: string, payload: object, headers: Record<string, string> = { 'x-admin': 'yes' }): Promise<Answered> {
    return this.#inject('PUT', url, headers, payload);
  }

  close(): Promise<void> {
    return this.app.close();
  }

  async #inject(
    method: 'GET' | 'PUT',
    url: string,
    headers: Record<string, string>,
    payload?: object,
  ): Promise<Answered> {
    const asked = { method, url, headers, ...(payload === undefined ? {} : { payload }) };
    const answer = await (this.app as NestFastifyApplication).inject(asked);
    return {
      status: answer.statusCode,
      type: String(answer.headers['content-type']),
      text: answer.payload,
      json: () => JSON.parse(answer.payload) as unknown,
    };
  }
}
