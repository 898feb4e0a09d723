import { formatShare } from '../../common/figures';
import type { Finding, Report } from './report';

/** From here on a change of the column has to be planned, as it rewrites the table or takes a second column. */
const SOON = 0.75;
/** As the alert on sequences has it. */
const NOW = 0.9;

interface Found {
  sequence: string;
  column: string | null;
  tableSql: string | null;
  columnSql: string | null;
  columnType: string | null;
  sequenceType: string;
  last: string | null;
  limit: string;
  used: number | null;
  cycles: boolean;
  ownLimit: boolean;
}

/**
 * A sequence ends at its own limit, or before it at that of a column it fills: of the one that owns it (serial and
 * identity), and of those whose default asks it. Descending ones end at their minimum.
 */
export const SEQUENCES = `
  WITH filled AS (
    SELECT objid AS seq, refobjid AS rel, refobjsubid AS att FROM pg_depend
     WHERE classid = 'pg_class'::regclass AND refclassid = 'pg_class'::regclass AND deptype IN ('a', 'i')
       AND refobjsubid > 0
    UNION
    SELECT d.refobjid, x.adrelid, x.adnum FROM pg_depend d JOIN pg_attrdef x ON x.oid = d.objid
     WHERE d.classid = 'pg_attrdef'::regclass AND d.refclassid = 'pg_class'::regclass),
  typed AS (
    SELECT f.seq, f.rel, a.attname, format_type(t.base, NULL) AS type,
           CASE t.base WHEN 'smallint'::regtype THEN 32767 WHEN 'integer'::regtype THEN 2147483647
                       WHEN 'bigint'::regtype THEN 9223372036854775807 END::numeric AS most
      FROM filled f JOIN pg_attribute a ON a.attrelid = f.rel AND a.attnum = f.att
      JOIN LATERAL (SELECT CASE typtype WHEN 'd' THEN typbasetype ELSE oid END AS base
                      FROM pg_type WHERE oid = a.atttypid) AS t ON true),
  narrowest AS (SELECT DISTINCT ON (seq) seq, rel, attname, type, most
                  FROM typed ORDER BY seq, most NULLS LAST, rel, attname),
  counted AS (
    SELECT c.oid, seqmin, seqmax, seqincrement, seqcycle, rel, attname, type, most, seqtypid::regtype::text AS "sequenceType",
           (SELECT last_value FROM pg_sequences
             WHERE schemaname = c.relnamespace::regnamespace::name AND sequencename = c.relname)::numeric AS last,
           CASE WHEN seqincrement > 0 THEN least(seqmax, most) ELSE greatest(seqmin, -most - 1) END AS "limit",
           CASE WHEN seqincrement > 0 THEN seqmin ELSE seqmax END::numeric AS first
      FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid
      LEFT JOIN narrowest n ON n.seq = c.oid
     WHERE c.relpersistence <> 't'
       AND c.relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace))
  SELECT oid::regclass::text AS sequence, rel::regclass || '.' || attname AS column,
         rel::regclass::text AS "tableSql", quote_ident(attname) AS "columnSql", type AS "columnType",
         "sequenceType", last::text, "limit"::text, seqcycle AS cycles,
         (CASE WHEN "limit" = first THEN 1 ELSE (last - first) / ("limit" - first) END)::float8 AS used,
         most IS NULL OR CASE WHEN seqincrement > 0 THEN seqmax < most ELSE seqmin > -most - 1 END AS "ownLimit"
    FROM counted ORDER BY used DESC NULLS LAST, 1`;

/** How soon sequences run out of numbers. */
export const sequences: Report = {
  name: 'sequences',
  title: 'Sequences and identity columns, by how much of their numbers is used up',
  meaning:
    'The limit is that of the sequence, or of the narrowest column that it fills: an integer ends at 2 147 483 647. At the limit every insert fails.',
  remedy:
    'Where the sequence alone is narrow, ALTER SEQUENCE … AS bigint mends it at once. An integer column needs a second column of type bigint, filled in batches and swapped in by a migration: ALTER COLUMN … TYPE bigint rewrites the table under a lock.',
  columns: [
    { key: 'sequence', title: 'sequence', unit: 'text' },
    { key: 'column', title: 'column', unit: 'text' },
    { key: 'columnType', title: 'type', unit: 'text' },
    { key: 'sequenceType', title: 'of the sequence', unit: 'text' },
    { key: 'last', title: 'last number', unit: 'text' },
    { key: 'limit', title: 'limit', unit: 'text' },
    { key: 'used', title: 'used up', unit: 'ratio' },
    { key: 'cycles', title: 'begins again', unit: 'flag' },
  ],
  async read(source) {
    const found = await source.query<Found>(SEQUENCES);
    return {
      rows: found.map(({ sequence, column, columnType, sequenceType, last, limit, used, cycles }) => ({
        sequence,
        column,
        columnType,
        sequenceType,
        last,
        limit,
        used,
        cycles,
      })),
      findings: found.filter(({ used, cycles }) => !cycles && (used ?? 0) >= SOON).map(finding),
      notes: found.some(({ last }) => last === null)
        ? ['a sequence without a last number has not been asked yet, or this role may not read it']
        : [],
    };
  },
};

function finding({
  sequence,
  column,
  columnType,
  sequenceType,
  last,
  limit,
  used,
  ...found
}: Found): Finding {
  const filled = column === null ? '' : `, which fills ${column} (${columnType}),`;
  const share = used ?? 0;
  return {
    severity: share >= NOW ? 'critical' : 'warn',
    subject: sequence,
    detail: `this ${sequenceType} sequence${filled} is at ${last} of ${limit}: ${formatShare(share)} is used up`,
    remedy: found.ownLimit
      ? `ALTER SEQUENCE ${sequence} ${sequenceType === 'bigint' ? 'NO MAXVALUE NO MINVALUE' : 'AS bigint'}`
      : `change ${found.columnSql} of ${found.tableSql} to bigint by a migration (for small tables ALTER TABLE ${found.tableSql} ALTER COLUMN ${found.columnSql} TYPE bigint), then ALTER SEQUENCE ${sequence} AS bigint`,
  };
}
