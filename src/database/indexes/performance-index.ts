import { Index } from 'typeorm';

export type IndexMethod = 'btree' | 'gin' | 'gist' | 'brin' | 'hash';

/** A key that is no plain column: SQL over columns, and the operator class that its questions need. */
export interface ExpressionKey {
  /** `lower(email)`, as PostgreSQL takes it in a list of keys. */
  readonly sql: string;
  /** `gin_trgm_ops`, `jsonb_path_ops`; PostgreSQL's own choice when left out. */
  readonly operatorClass?: string;
}

/** The form of an index, and the question that it is there for. */
export interface PerformanceIndexOptions {
  /** The keys, leading one first: properties of the entity, or SQL. */
  readonly on: readonly (string | ExpressionKey)[];
  /** Only rows that satisfy it are indexed: SQL over columns, with literals. A question must repeat it literally. */
  readonly where?: string;
  /** Properties that are carried along, so that the question is answered without a look into the table. */
  readonly include?: readonly string[];
  /** `btree` when left out. */
  readonly using?: IndexMethod;
  readonly unique?: boolean;
  /** The properties among the keys that go downwards. */
  readonly order?: Readonly<Record<string, 'DESC'>>;
  /** Storage parameters, such as `{ pages_per_range: 8 }`. */
  readonly with?: Readonly<Record<string, number | string>>;
  /** The question in words. */
  readonly serves: string;
  /**
   * The question in SQL. `:wallet_address` stands for that column's value of one row of the table, which
   * satisfies `where` and `sample`: that is how the proof asks it.
   */
  readonly query: string;
  /**
   * The application asks it through `DatabaseService.queryPlanned`, since the best plan depends on the values: the proof
   * does not ask it in the plan for any values.
   */
  readonly plannedForValues?: boolean;
  /** Which rows the proof takes values from, as SQL over columns; any row of the index when left out. */
  readonly sample?: string;
}

/** A declaration as it stands on an entity. */
export interface IndexDeclaration {
  readonly target: abstract new () => object;
  readonly name: string;
  readonly options: PerformanceIndexOptions;
}

const declarations: IndexDeclaration[] = [];

/**
 * Declares an index on its entity in any form that PostgreSQL has, together with the question it serves.
 * TypeORM is told that the index exists and leaves it alone: migrations make it, the catalogue describes it
 * (see `indexCatalogue`), `npm run db:validate` compares the two and `npm run indexes:prove` shows that the
 * planner takes it for its question.
 * @param name unique among all indexes; `idx_<table>_…` are the named ones, whose names are a contract
 */
export function PerformanceIndex(name: string, options: PerformanceIndexOptions): ClassDecorator {
  return (target) => {
    Index(name, { synchronize: false })(target);
    declarations.push({ target: target as unknown as IndexDeclaration['target'], name, options });
  };
}

/** @internal every declaration of the entities that are loaded, for the catalogue */
export const declaredIndexes = (): readonly IndexDeclaration[] => declarations;
