import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { catalogue, companions } from '@promptsales/cache-core';
import { referencePage } from '../src/reference-page.js';

const page = join(import.meta.dirname, '../../../docs/keyspace.md');

describe('docs/keyspace.md', () => {
  it('is what the declarations say now (npm run keyspace -- docs)', () => {
    expect(readFileSync(page, 'utf8')).toBe(referencePage());
  });

  it('has every family, with each of its fields, and every companion', () => {
    const text = referencePage();
    for (const family of catalogue.families) {
      expect(text).toContain(`### ${family.id}\n\n\`${family.pattern}\``);
      const fields = family.value.kind === 'hash' ? Object.keys(family.value.fields) : [];
      const section = text.split(`### ${family.id}\n`)[1]?.split('\n### ')[0] ?? '';
      expect(fields.filter((field) => !section.includes(`\`${field}\``))).toEqual([]);
    }
    for (const { label } of Object.values(companions)) expect(text).toContain(`\`${label}:{…}\``);
  });

  it('shows no value whose form it could not name', () => {
    expect(referencePage()).not.toMatch(/undefined|\[object/);
  });
});
