import { combined, type Migration } from './migration-set.js';

const step: Migration = { up: () => Promise.resolve() };

describe('combined', () => {
  it('names steps by library, and marks those that break older versions', () => {
    const steps = combined([
      { library: 'identity', migrations: { '0001_keys': step, '0002_rename': { ...step, breaking: true } } },
      { library: 'ledger', migrations: { '0001_lines': step } },
    ]);
    expect([...steps.keys()]).toEqual(['identity/0001_keys', 'identity/0002_rename!', 'ledger/0001_lines']);
  });

  it.each([
    [[{ library: 'Identity', migrations: {} }]],
    [
      [
        { library: 'a', migrations: {} },
        { library: 'a', migrations: {} },
      ],
    ],
    [[{ library: 'a', migrations: { first: step } }]],
    [[{ library: 'a', migrations: { '0001_x!': step } }]],
    [[{ library: 'a', migrations: { '0001_x': step, '0001_y': step } }]],
  ])('refuses %j', (sets) => {
    expect(() => combined(sets)).toThrow(expect.objectContaining({ code: 'migration_invalid' }));
  });
});
