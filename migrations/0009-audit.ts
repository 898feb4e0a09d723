import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The append-only audit trail by month, and the answers kept for idempotency keys. */
export class Audit1795305600009 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE audit_logs (
        id uuid NOT NULL,
        action text NOT NULL,
        user_id uuid,
        organization_id uuid,
        entity text NOT NULL,
        entity_id text NOT NULL,
        before jsonb,
        after jsonb,
        request_id text,
        created_at timestamptz(3) NOT NULL,
        CONSTRAINT audit_logs_pkey PRIMARY KEY (id, created_at),
        CONSTRAINT audit_logs_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id),
        CONSTRAINT audit_logs_organization_id_fkey FOREIGN KEY (organization_id) REFERENCES organizations (id)
      ) PARTITION BY RANGE (created_at)`);
    await queryRunner.query('CREATE INDEX idx_audit_logs_user_id ON audit_logs (user_id, id)');
    await queryRunner.query('CREATE INDEX idx_audit_logs_action ON audit_logs (action, id)');
    await queryRunner.query('CREATE INDEX idx_audit_logs_created ON audit_logs USING brin (created_at)');
    await queryRunner.query(
      'CREATE INDEX audit_logs_organization_id ON audit_logs (organization_id, id) WHERE organization_id IS NOT NULL',
    );
    await queryRunner.query(`
      CREATE TABLE idempotency_keys (
        user_id uuid NOT NULL,
        key text NOT NULL,
        request_hash text NOT NULL,
        answer jsonb,
        created_at timestamptz(3) NOT NULL DEFAULT now(),
        CONSTRAINT idempotency_keys_pkey PRIMARY KEY (user_id, key),
        CONSTRAINT idempotency_keys_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id)
      )`);
    await queryRunner.query('CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at)');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE idempotency_keys');
    await queryRunner.query('DROP TABLE audit_logs');
  }
}
