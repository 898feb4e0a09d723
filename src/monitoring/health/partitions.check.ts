import { MONTHLY_TABLES } from '../../database/partitions';
import type { HealthSource } from './health-checks';
import type { PartHealth } from './part-health';

/** A month (UTC) that rows come in. */
interface Month {
  /** `2026_01`, as it ends the names of partitions. */
  readonly name: string;
  readonly first: string;
  readonly end: string;
}

interface Gap {
  table: string;
  month: string;
  /** There is a table of that name that is no partition. */
  detached: boolean;
}

/** Months without a partition that holds them whole; bounds are read as they stand, whatever partitions are called. */
const GAPS = `
  SELECT t.name AS "table", m.name AS month,
         to_regclass(quote_ident(t.name || '_' || m.name)) IS NOT NULL AS detached
    FROM unnest($1::text[]) WITH ORDINALITY AS t(name, place)
   CROSS JOIN unnest($2::text[], $3::timestamptz[], $4::timestamptz[]) AS m(name, first_day, next_day)
   WHERE NOT EXISTS (
     SELECT FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhrelid
      CROSS JOIN LATERAL (
            SELECT regexp_match(pg_get_expr(p.relpartbound, p.oid), '^FOR VALUES FROM \\((.+)\\) TO \\((.+)\\)$') AS ends) b
      CROSS JOIN LATERAL (
            SELECT replace(trim(both '''' FROM ends[1]), 'MINVALUE', '-infinity') AS lower,
                   replace(trim(both '''' FROM ends[2]), 'MAXVALUE', 'infinity') AS upper) e
      WHERE i.inhparent = to_regclass(quote_ident(t.name)) AND NOT i.inhdetachpending
        AND e.lower::timestamptz <= m.first_day AND e.upper::timestamptz >= m.next_day)
   ORDER BY m.first_day, t.place`;

/** Whether every table that is partitioned by month has the partition of this month and of the next one. */
export async function partitionsHealth(source: HealthSource, now: Date): Promise<PartHealth> {
  const months = [monthFrom(now, 0), monthFrom(now, 1)] as const;
  const gaps = await source.query<Gap>(GAPS, [
    MONTHLY_TABLES,
    months.map(({ name }) => name),
    months.map(({ first }) => first),
    months.map(({ end }) => end),
  ]);
  const figures = { missing: gaps.length };
  if (gaps.length === 0)
    return {
      status: 'up',
      detail: `${MONTHLY_TABLES.join(', ')} have the partitions of this month and the next`,
      figures,
    };
  return {
    status: gaps.some(({ month }) => month === months[0].name) ? 'down' : 'degraded',
    detail: `No partition takes the rows of ${gaps.map(({ table, month }) => `${table} in ${month.replace('_', '-')}`).join(', ')}`,
    remedy: `As the owner: ${gaps.map((gap) => mendOf(gap, months)).join('; ')}. A job of each night makes those of the coming three months: see that jobs run.`,
    figures,
  };
}

function monthFrom(now: Date, ahead: number): Month {
  const first = (months: number): string =>
    new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + months, 1)).toISOString();
  const start = first(ahead);
  return { name: start.slice(0, 7).replace('-', '_'), first: start, end: first(ahead + 1) };
}

/** The function that makes partitions takes one by its name, so what was detached has to be attached again. */
function mendOf({ table, month, detached }: Gap, months: readonly Month[]): string {
  if (!detached) return `SELECT ensure_month_partition('${table}', '${month.replace('_', '-')}-01')`;
  const { first, end } = months.find(({ name }) => name === month) ?? { first: '', end: '' };
  return `ALTER TABLE ${table} ATTACH PARTITION ${table}_${month} FOR VALUES FROM ('${first}') TO ('${end}')`;
}
