import { catalogue } from '@promptsales/cache-core';
import { distance } from 'fastest-levenshtein';

const MOST_NAMED = 3;

/** Ids of families that somebody may have meant who wrote this; his may also be the beginning of their keys. */
export function nearFamilies(written: string): readonly string[] {
  const text = written.toLowerCase().slice(0, 100);
  return catalogue.families
    .map(({ id, pattern }) => {
      const literal = pattern.slice(0, Math.max(0, pattern.indexOf('{') - 1)).replaceAll(':', '.');
      const apart = Math.min(slips(text, id), slips(text.replaceAll(/[:_-]/g, '.'), literal));
      return { id, apart: id.split('.').includes(text) ? 0 : apart };
    })
    .filter(({ apart }) => apart < Infinity)
    .toSorted((one, other) => one.apart - other.apart)
    .slice(0, MOST_NAMED)
    .map(({ id }) => id);
}

/** How many characters are wrong; infinite when a third of what is there to be recognized is. */
function slips(written: string, meant: string): number {
  const wrong = distance(written, meant);
  return wrong <= Math.max(1, Math.floor(Math.min(written.length, meant.length) / 3)) ? wrong : Infinity;
}
