/** Where the code and the database disagree. */
export interface SchemaDifference {
  readonly kind: 'migration' | 'table' | 'column' | 'enum' | 'constraint' | 'index';
  /** What is concerned, as a sentence. */
  readonly message: string;
  /** What makes both agree. */
  readonly mend: string;
}
