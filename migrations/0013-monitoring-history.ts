import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What a statement is counted by, in its counters as in their differences. */
const STATEMENT_COUNTERS = `
        calls bigint NOT NULL,
        total_ms double precision NOT NULL,
        squares_ms double precision NOT NULL,
        rows bigint NOT NULL,
        shared_hit bigint NOT NULL,
        shared_read bigint NOT NULL,
        shared_dirtied bigint NOT NULL,
        temp_read bigint NOT NULL,
        temp_written bigint NOT NULL,
        read_ms double precision NOT NULL,
        write_ms double precision NOT NULL`;

/** What PostgreSQL has counted, minute by minute, in partitions by day of taken_at. */
export class MonitoringHistory1795305600013 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE server_snapshots (
        taken_at timestamptz(3) NOT NULL,
        active integer NOT NULL,
        idle integer NOT NULL,
        idle_in_transaction integer NOT NULL,
        waiting_for_lock integer NOT NULL,
        blocks_hit bigint NOT NULL,
        blocks_read bigint NOT NULL,
        commits bigint NOT NULL,
        rollbacks bigint NOT NULL,
        database_bytes bigint NOT NULL,
        wal_position bigint NOT NULL,
        CONSTRAINT server_snapshots_pkey PRIMARY KEY (taken_at)
      ) PARTITION BY RANGE (taken_at)`);
    await queryRunner.query(`
      CREATE TABLE statement_snapshots (
        query_id bigint NOT NULL,
        taken_at timestamptz(3) NOT NULL,${STATEMENT_COUNTERS},
        CONSTRAINT statement_snapshots_pkey PRIMARY KEY (query_id, taken_at)
      ) PARTITION BY RANGE (taken_at)`);
    await queryRunner.query(`
      CREATE TABLE table_snapshots (
        table_name text NOT NULL,
        taken_at timestamptz(3) NOT NULL,
        whole_name text NOT NULL,
        table_bytes bigint NOT NULL,
        index_bytes bigint NOT NULL,
        toast_bytes bigint NOT NULL,
        live_rows bigint NOT NULL,
        dead_rows bigint NOT NULL,
        seq_scans bigint NOT NULL,
        seq_rows bigint NOT NULL,
        index_scans bigint NOT NULL,
        index_rows bigint NOT NULL,
        inserted bigint NOT NULL,
        updated bigint NOT NULL,
        hot_updated bigint NOT NULL,
        deleted bigint NOT NULL,
        CONSTRAINT table_snapshots_pkey PRIMARY KEY (table_name, taken_at)
      ) PARTITION BY RANGE (taken_at)`);
    await queryRunner.query(`
      CREATE TABLE index_snapshots (
        index_name text NOT NULL,
        taken_at timestamptz(3) NOT NULL,
        whole_name text NOT NULL,
        scans bigint NOT NULL,
        entries_read bigint NOT NULL,
        bytes bigint NOT NULL,
        CONSTRAINT index_snapshots_pkey PRIMARY KEY (index_name, taken_at)
      ) PARTITION BY RANGE (taken_at)`);
    await queryRunner.query(`
      CREATE TABLE statement_counters (
        query_id bigint NOT NULL,
        role_id bigint NOT NULL,
        top_level boolean NOT NULL,
        read_at timestamptz(3) NOT NULL,${STATEMENT_COUNTERS},
        CONSTRAINT statement_counters_pkey PRIMARY KEY (query_id, role_id, top_level)
      ) WITH (fillfactor = 70)`);
    await queryRunner.query(`
      CREATE TABLE recorded_statements (
        query_id bigint NOT NULL,
        statement text NOT NULL,
        first_seen_at timestamptz(3) NOT NULL,
        CONSTRAINT recorded_statements_pkey PRIMARY KEY (query_id)
      )`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const table of [
      'recorded_statements',
      'statement_counters',
      'index_snapshots',
      'table_snapshots',
      'statement_snapshots',
      'server_snapshots',
    ])
      await queryRunner.query(`DROP TABLE ${table}`);
  }
}
