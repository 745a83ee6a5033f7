/** Where processes that Redis does not tell of changes ask those who make them to do so. In each place with entries of L1. */
const LABEL = 'changes';

export const changeKeys = Object.freeze({
  id: 'cache.changes',
  label: LABEL,
  pattern: `${LABEL}:sequence`,
  description:
    'How many changes were told of, where `CLIENT TRACKING` is refused: `id`, a text that never repeats, and `number`. While it is there, every script that changes an entry publishes on `wake:changes:sequence` which keys it has changed, with the next number.',

  /** The physical key. */
  at(prefix = ''): string {
    return `${prefix}${LABEL}:sequence`;
  },
});
