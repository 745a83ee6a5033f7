/**
 * The yardstick: a lead behind Nest's own `CacheInterceptor`, as its documentation shows it, with the store for Redis that it
 * names: `nest-server.js REDIS_URL DATABASE_URL`. It knows neither keys nor tenants, and invalidates nothing.
 */
import 'reflect-metadata';
import { createKeyv } from '@keyv/redis';
import { CacheInterceptor, CacheModule } from '@nestjs/cache-manager';
import { Controller, Get, Module, NotFoundException, Param, UseInterceptors } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Pool } from 'pg';

const [redisUrl = '', databaseUrl = ''] = process.argv.slice(2);
const pool = new Pool({ connectionString: databaseUrl });

interface LeadRow {
  readonly version: string;
  readonly datos: object;
  readonly [column: string]: unknown;
}

@Controller('leads')
@UseInterceptors(CacheInterceptor)
class LeadsController {
  @Get(':id')
  async show(@Param('id') id: string): Promise<object> {
    const { rows } = await pool.query<LeadRow>(
      `select id, empresa, contacto, estado, datos, version, created_at, updated_at from leads
       where tenant = 'bench' and id = $1`,
      [id],
    );
    const [row] = rows;
    if (row === undefined) throw new NotFoundException();
    const { datos, version, created_at, updated_at, ...known } = row;
    return { ...known, ...datos, version: Number(version), created_at, updated_at };
  }
}

@Module({
  imports: [CacheModule.register({ stores: [createKeyv(redisUrl)], ttl: 3_600_000 })],
  controllers: [LeadsController],
})
class NestServer {}

const app = await NestFactory.create<NestFastifyApplication>(NestServer, new FastifyAdapter(), { logger: false });
await app.listen(0, '127.0.0.1');
console.log(`ready ${await app.getUrl()}`);
