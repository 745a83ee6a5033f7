/** What a list answers: `{"policies": [one, …], "next_cursor": …}`. */
export function pageSchema<One extends object>(plural: string, one: One) {
  return {
    type: 'object' as const,
    required: [plural, 'next_cursor'],
    properties: {
      [plural]: { type: 'array', items: one },
      next_cursor: { type: 'string', nullable: true, description: 'For `?cursor=`; null on the last page.' },
    },
  };
}
