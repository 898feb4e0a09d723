import { Client } from 'pg';
import { RELEASE } from '../../config/release';
import type { ReportSource } from '../reports/report-source';
import type { EvidenceKind, PerformanceEvidence } from './performance-evidence.entity';

/** What somebody measured, as it is kept. */
export interface Measurement {
  readonly kind: EvidenceKind;
  /** The command that measured: `bench:http`. */
  readonly source: string;
  /** A sentence for each error and each promise that was not kept; none when all is well. */
  readonly missed: readonly string[];
  /** The figures. */
  readonly figures: Readonly<PerformanceEvidence['result']>;
}

/** The latest measurement of a command. */
export interface KnownEvidence {
  readonly source: string;
  readonly takenAt: Date;
  readonly release: string;
  readonly missed: readonly string[];
  /** By the clock of PostgreSQL, which gave the time. */
  readonly ageDays: number;
}

/** Keeps a measurement of this release, as the owner of a migrated database. */
export async function recordEvidence(
  ownerUrl: string,
  { kind, source, missed, figures }: Measurement,
): Promise<void> {
  const client = new Client({ connectionString: ownerUrl, application_name: 'gridtokenx evidence' });
  await client.connect();
  try {
    await client.query(
      `INSERT INTO performance_evidence (kind, taken_at, source, release, result)
       VALUES ($1, clock_timestamp(), $2, $3, $4)`,
      [kind, source, RELEASE, JSON.stringify({ ...figures, missed })],
    );
  } finally {
    await client.end();
  }
}

/** The latest measurement of each command that made some of this kind, the latest of all first. */
export const latestEvidence = (
  source: Pick<ReportSource, 'query'>,
  kind: EvidenceKind,
): Promise<KnownEvidence[]> =>
  source.query<KnownEvidence>(
    `SELECT source, "takenAt", release, missed, "ageDays"
       FROM (SELECT DISTINCT ON (source) source, taken_at AS "takenAt", release,
                    coalesce(result -> 'missed', '[]') AS missed,
                    (extract(epoch FROM clock_timestamp() - taken_at) / 86400)::float8 AS "ageDays"
               FROM performance_evidence WHERE kind = $1 ORDER BY source, taken_at DESC) AS latest
      ORDER BY "takenAt" DESC`,
    [kind],
  );
