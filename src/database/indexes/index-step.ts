/** One step on the way to an index; what is left to do is always planned anew from what the database has. */
export interface Step {
  readonly action: 'create' | 'attach' | 'rename' | 'drop' | 'reindex';
  /**
   * `concurrently`: outside a transaction; waits as long as it takes and keeps neither readers nor writers out.
   * `briefly`: one short transaction; others queue behind its lock, so it gives up soon and tries again.
   */
  readonly manner: 'concurrently' | 'briefly';
  readonly statements: readonly string[];
  readonly index: string;
  /** The table or partition. */
  readonly table: string;
  /** Bytes of rows that have to be read; 0 where only the database's catalogue changes. */
  readonly bytes: number;
}
