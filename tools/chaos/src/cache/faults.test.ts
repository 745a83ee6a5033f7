import { Random } from '@promptsales/simulator';
import { Faults } from './faults.js';

const dealt = (seed: number, withReplicas: boolean, rounds: number): { names: string[]; all: readonly string[] } => {
  const faults = new Faults(new Random(seed), { withReplicas });
  const names = Array.from({ length: rounds }, () => faults.next().map(({ name }) => name)).flat();
  return { names, all: faults.names };
};

describe('the faults', () => {
  test.each([true, false])('are all dealt before long, with replicas: %s', (withReplicas) => {
    for (let seed = 0; seed < 50; seed += 1) {
      const { names, all } = dealt(seed, withReplicas, 50);
      expect([...new Set(names)].toSorted()).toEqual(all.toSorted());
    }
  });

  test('need replicas where somebody is to take over', () => {
    const failovers = (withReplicas: boolean): number =>
      dealt(1, withReplicas, 50).all.filter((name) => name.startsWith('failover')).length;
    expect([failovers(false), failovers(true)]).toEqual([0, 5]);
  });

  test('are the same for the same seed, and others for another', () => {
    const namesOf = (seed: number): string[] => dealt(seed, true, 50).names;
    expect(namesOf(7)).toEqual(namesOf(7));
    expect(namesOf(7)).not.toEqual(namesOf(8));
  });
});
