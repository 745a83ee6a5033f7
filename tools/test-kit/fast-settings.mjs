/** Settings of a PostgreSQL server whose data is thrown away: durability would only cost time. */
export const FAST_SETTINGS = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  shared_buffers: '32MB',
};
