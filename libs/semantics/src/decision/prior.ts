import { TEXT_FEATURES } from '../gate/comparison.js';
import { RELATION_FEATURES } from './evidence.js';
import type { WeightPrior } from './logistic.js';

/** What one would guess before any evidence: no more than a beginning, which evidence soon outweighs. */
// prettier-ignore
export const PRIOR: WeightPrior = Object.freeze({
  //        similar shared odd   odd   question words length reserved
  means: [-4, 5,    2,     -0.5, -0.5, 0.5,     1,    0,     -1]
    //       persons identical articles number grammar content
    .concat([-0.5,   0.5,      0.5,     0.5,   0.5,    0.5])
    //       same apart right wrong
    .concat([3,   -2,   0.5,  -1]),
  precision: 0.1,
});

if (PRIOR.means.length !== 1 + TEXT_FEATURES.length + RELATION_FEATURES.length) throw new Error('one weight a feature');
