import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Sessions whose state PostgreSQL hid from whoever took the snapshot: they counted as none before. */
export class HiddenSessions1795305600015 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('ALTER TABLE server_snapshots ADD COLUMN hidden integer NOT NULL DEFAULT 0');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('ALTER TABLE server_snapshots DROP COLUMN hidden');
  }
}
