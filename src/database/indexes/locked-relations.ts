/**
 * The tables and indexes of this database that somebody locks for himself or is about to, by their `relation`: who asks for
 * their sizes or for the forms of indexes waits for him, and whoever waits for such a lock keeps those out that come later.
 * What all databases share is locked in database 0. Another database, such as a copy of this one, has tables of the same
 * numbers; and a row has locks of this mode too, which keep nobody from looking at its table.
 */
export const LOCKED_RELATIONS = `
  SELECT DISTINCT relation FROM pg_locks
   WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock'
     AND (database = 0 OR database = (SELECT oid FROM pg_database WHERE datname = current_database()))`;
