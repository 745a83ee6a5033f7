import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { catalogue, keyspace } from '@promptsales/cache-core';
import { accessTo, type FamilyAccess } from './family-access.js';

const page = readFileSync(join(import.meta.dirname, '../../../../docs/generic-cache.md'), 'utf8');

describe('who may use the keys of a family', () => {
  it('stands in docs/generic-cache.md as it is enforced, for each family', () => {
    const documented = new Map<string, Partial<FamilyAccess>>();
    for (const [, ids = '', read, write, remove] of page.matchAll(/^\| (`.*?) +\| (\w+) +\| (\w+) +\| (\w+) +\|$/gm)) {
      for (const [, id = ''] of ids.matchAll(/`([\w.]+)`/g)) {
        documented.set(id, { read, write, remove } as Partial<FamilyAccess>);
      }
    }
    for (const family of catalogue.families) {
      const { read, write, remove } = accessTo(family);
      expect([family.id, documented.get(family.id)]).toEqual([family.id, { read, write, remove }]);
    }
    expect(documented.size).toBe(catalogue.families.length);
  });

  it('says what to use instead wherever something is never done', () => {
    const silent = catalogue.families.map(accessTo).filter(({ instead }) => instead === undefined);
    expect(silent.flatMap(({ read, write, remove }) => [read, write, remove])).not.toContain('never');
  });

  it('trap 30: nobody reads families with secrets, nor writes what somebody is let in by', () => {
    const secret = catalogue.families.filter(({ secretFields, encrypt }) => secretFields.length > 0 || encrypt);
    expect(new Set(secret.map((family) => accessTo(family).read))).toEqual(new Set(['never']));
    for (const family of [keyspace.session, keyspace.sessionToken, keyspace.blacklist, keyspace.lockNamed]) {
      expect(accessTo(family)).toMatchObject({ write: 'never', remove: 'never' });
    }
  });
});
