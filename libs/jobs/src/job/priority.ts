/** How urgent a job is. The lists of the intake are named so. */
export const PRIORITIES = ['high', 'normal', 'low'] as const;

export type Priority = (typeof PRIORITIES)[number];

export function isPriority(text: unknown): text is Priority {
  return PRIORITIES.some((priority) => priority === text);
}
