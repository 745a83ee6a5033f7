import { Body, Controller, Get, Injectable, Module, Param, Put } from '@nestjs/common';
import { Cacheable, CacheCoreModule, CachedRoute, CacheEvict, keyspace } from '@promptsales/cache-core';

type Lead = { uuid: string; empresa: string };

@Injectable()
export class Leads {
  readonly table = new Map<string, Lead>();

  @Cacheable(keyspace.lead, { key: (uuid: string) => ({ uuid }) })
  async find(uuid: string): Promise<Lead> {
    return this.table.get(uuid) ?? { uuid, empresa: 'unknown' };
  }

  @CacheEvict(keyspace.lead, { key: ({ uuid }: Lead) => ({ uuid }), tags: () => ['leads'] })
  async save(lead: Lead): Promise<void> {
    this.table.set(lead.uuid, lead);
  }
}

@Controller('leads')
class LeadsController {
  constructor(private readonly leads: Leads) {}

  @Get()
  @CachedRoute(keyspace.appValue, { key: () => ({ key: 'leads/all' }), tags: () => ['leads'] })
  all(): Lead[] {
    return [...this.leads.table.values()];
  }

  @Get(':uuid')
  find(@Param('uuid') uuid: string): Promise<Lead> {
    return this.leads.find(uuid);
  }

  @Put(':uuid')
  save(@Param('uuid') uuid: string, @Body() lead: Omit<Lead, 'uuid'>): Promise<void> {
    return this.leads.save({ ...lead, uuid });
  }
}

const redis = { url: process.env['REDIS_URL'] ?? 'redis://127.0.0.1:6379', layout: 'databases' } as const;

@Module({ imports: [CacheCoreModule.forRoot({ redis })], controllers: [LeadsController], providers: [Leads] })
export class LeadsApplication {}
