import { keyspace } from '@promptsales/cache-core';

/** A field that has a column of its own. All others are kept as they were sent. */
export interface KnownField {
  readonly shape: 'text' | 'uuid';
  readonly required: boolean;
  readonly longest: number;
  readonly default?: string;
  readonly description: string;
}

/** What sets leads and opportunities apart; all the rest is done in the same way for both. */
export interface RecordKind {
  readonly name: 'lead' | 'oportunidad';
  /** Its table, its route and the name of its lists. */
  readonly plural: 'leads' | 'oportunidades';
  readonly noun: string;
  readonly family: typeof keyspace.lead | typeof keyspace.oportunidad;
  readonly known: Readonly<Record<string, KnownField>>;
  /** Fields that lists can be ordered by, with the column whose order it is. */
  readonly sorts: Readonly<Record<string, string>>;
}

const LONGEST_ESTADO = 64;
const TIMES = { created_at: 'created_at', updated_at: 'updated_at' };

export const LEADS: RecordKind = {
  name: 'lead',
  plural: 'leads',
  noun: 'lead',
  family: keyspace.lead,
  known: {
    empresa: { shape: 'text', required: true, longest: 300, description: 'The company.' },
    contacto: { shape: 'text', required: false, longest: 300, description: 'Whom to talk to.' },
    estado: {
      shape: 'text',
      required: false,
      longest: LONGEST_ESTADO,
      default: 'nuevo',
      description: 'Where it stands; the words are the application’s.',
    },
  },
  sorts: { ...TIMES, estado: 'estado', empresa: 'empresa_folded' },
};

export const OPORTUNIDADES: RecordKind = {
  name: 'oportunidad',
  plural: 'oportunidades',
  noun: 'opportunity',
  family: keyspace.oportunidad,
  known: {
    lead_id: { shape: 'uuid', required: true, longest: 36, description: 'The lead that it belongs to.' },
    estado: {
      shape: 'text',
      required: false,
      longest: LONGEST_ESTADO,
      default: 'abierta',
      description: 'Where it stands; the words are the application’s.',
    },
  },
  sorts: { ...TIMES, estado: 'estado' },
};
