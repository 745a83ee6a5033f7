/**
 * What must hold of anything that takes the place of a codec or of a link to Redis: run it against yours.
 *
 * @example
 * import { codecConformance } from '@promptsales/cache-core/conformance';
 * test.each(codecConformance(mine))('my codec $name', ({ run }) => run());
 */
export { codecConformance, type CodecSubject } from './codec-conformance.js';
export type { ConformanceCase } from './conformance-case.js';
export { linkConformance, type LinkSubject } from './link-conformance.js';
