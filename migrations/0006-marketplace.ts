import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Direct offers, orders for energy, and the sales between them. */
export class Marketplace1795305600006 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(
      `CREATE TYPE energy_offer_status AS ENUM ('active', 'sold', 'cancelled', 'expired')`,
    );
    await queryRunner.query(
      `CREATE TYPE energy_order_status AS ENUM ('pending', 'partially_filled', 'filled', 'cancelled', 'expired')`,
    );
    await queryRunner.query(
      `CREATE TYPE energy_transaction_status AS ENUM ('pending', 'processing', 'completed', 'failed', 'cancelled')`,
    );
    await createOffers(queryRunner);
    await createOrders(queryRunner);
    await createTransactions(queryRunner);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const table of ['energy_transactions', 'energy_orders', 'energy_offers']) {
      await queryRunner.query(`DROP TABLE ${table}`);
    }
    for (const type of ['energy_transaction_status', 'energy_order_status', 'energy_offer_status']) {
      await queryRunner.query(`DROP TYPE ${type}`);
    }
  }
}

async function createOffers(queryRunner: QueryRunner): Promise<void> {
  await queryRunner.query(`
    CREATE TABLE energy_offers (
      id uuid NOT NULL,
      seller_id uuid NOT NULL,
      energy_source energy_source NOT NULL,
      amount_wh bigint NOT NULL,
      remaining_wh bigint NOT NULL,
      price_per_kwh bigint NOT NULL,
      available_from timestamptz(3) NOT NULL,
      available_until timestamptz(3) NOT NULL,
      status energy_offer_status NOT NULL DEFAULT 'active',
      created_at timestamptz(3) NOT NULL DEFAULT now(),
      updated_at timestamptz(3) NOT NULL DEFAULT now(),
      CONSTRAINT energy_offers_pkey PRIMARY KEY (id),
      CONSTRAINT energy_offers_seller_id_fkey FOREIGN KEY (seller_id) REFERENCES users (id),
      CONSTRAINT energy_offers_amount_positive CHECK (amount_wh > 0),
      CONSTRAINT energy_offers_price_positive CHECK (price_per_kwh > 0),
      CONSTRAINT energy_offers_never_oversold CHECK (remaining_wh >= 0 AND remaining_wh <= amount_wh),
      CONSTRAINT energy_offers_sold_when_empty CHECK ((status = 'sold') = (remaining_wh = 0)),
      CONSTRAINT energy_offers_window CHECK (available_until > available_from)
    )`);
  for (const index of [
    'idx_energy_offers_seller_id ON energy_offers (seller_id, id)',
    `idx_energy_offers_status ON energy_offers (available_until, id) WHERE status = 'active'`,
    `idx_energy_offers_source ON energy_offers (energy_source, id) WHERE status = 'active'`,
    `idx_energy_offers_price ON energy_offers (price_per_kwh, id) WHERE status = 'active'`,
    `idx_energy_offers_marketplace ON energy_offers (energy_source, price_per_kwh, id) WHERE status = 'active'`,
    `idx_energy_offers_availability ON energy_offers
       USING gist (tstzrange(available_from, available_until)) WHERE status = 'active'`,
    `idx_energy_offers_amount ON energy_offers (remaining_wh) WHERE status = 'active'`,
  ]) {
    await queryRunner.query(`CREATE INDEX ${index}`);
  }
}

async function createOrders(queryRunner: QueryRunner): Promise<void> {
  await queryRunner.query(`
    CREATE TABLE energy_orders (
      id uuid NOT NULL,
      buyer_id uuid NOT NULL,
      amount_wh bigint NOT NULL,
      filled_wh bigint NOT NULL DEFAULT 0,
      max_price_per_kwh bigint NOT NULL,
      preferred_source energy_source,
      status energy_order_status NOT NULL DEFAULT 'pending',
      reserved_amount bigint NOT NULL,
      expires_at timestamptz(3) NOT NULL,
      created_at timestamptz(3) NOT NULL DEFAULT now(),
      updated_at timestamptz(3) NOT NULL DEFAULT now(),
      CONSTRAINT energy_orders_pkey PRIMARY KEY (id),
      CONSTRAINT energy_orders_buyer_id_fkey FOREIGN KEY (buyer_id) REFERENCES users (id),
      CONSTRAINT energy_orders_amount_positive CHECK (amount_wh > 0),
      CONSTRAINT energy_orders_price_positive CHECK (max_price_per_kwh > 0),
      CONSTRAINT energy_orders_never_overfilled CHECK (filled_wh >= 0 AND filled_wh <= amount_wh),
      CONSTRAINT energy_orders_filled_when_complete CHECK ((status = 'filled') = (filled_wh = amount_wh)),
      CONSTRAINT energy_orders_pending_when_untouched CHECK (status <> 'pending' OR filled_wh = 0),
      CONSTRAINT energy_orders_partially_filled_when_touched CHECK (status <> 'partially_filled' OR filled_wh > 0),
      CONSTRAINT energy_orders_reservation CHECK (reserved_amount >= 0),
      CONSTRAINT energy_orders_closed_reserves_nothing
        CHECK (status IN ('pending', 'partially_filled') OR reserved_amount = 0)
    )`);
  for (const index of [
    'idx_energy_orders_buyer_id ON energy_orders (buyer_id, id)',
    `idx_energy_orders_status ON energy_orders (expires_at, id) WHERE status IN ('pending', 'partially_filled')`,
    'idx_energy_orders_buyer_status ON energy_orders (buyer_id, status, id)',
    `idx_energy_orders_source ON energy_orders (preferred_source, max_price_per_kwh DESC, id)
       WHERE status IN ('pending', 'partially_filled') AND preferred_source IS NOT NULL`,
    `idx_energy_orders_price ON energy_orders (max_price_per_kwh DESC, id)
       WHERE status IN ('pending', 'partially_filled')`,
  ]) {
    await queryRunner.query(`CREATE INDEX ${index}`);
  }
}

async function createTransactions(queryRunner: QueryRunner): Promise<void> {
  await queryRunner.query(`
    CREATE TABLE energy_transactions (
      id uuid NOT NULL,
      offer_id uuid NOT NULL,
      order_id uuid,
      seller_id uuid NOT NULL,
      buyer_id uuid NOT NULL,
      amount_wh bigint NOT NULL,
      price bigint NOT NULL,
      total bigint NOT NULL,
      fee bigint NOT NULL,
      status energy_transaction_status NOT NULL,
      settled_at timestamptz(3),
      blockchain_tx_signature text,
      created_at timestamptz(3) NOT NULL DEFAULT now(),
      updated_at timestamptz(3) NOT NULL DEFAULT now(),
      CONSTRAINT energy_transactions_pkey PRIMARY KEY (id),
      CONSTRAINT energy_transactions_offer_id_fkey FOREIGN KEY (offer_id) REFERENCES energy_offers (id),
      CONSTRAINT energy_transactions_order_id_fkey FOREIGN KEY (order_id) REFERENCES energy_orders (id),
      CONSTRAINT energy_transactions_seller_id_fkey FOREIGN KEY (seller_id) REFERENCES users (id),
      CONSTRAINT energy_transactions_buyer_id_fkey FOREIGN KEY (buyer_id) REFERENCES users (id),
      CONSTRAINT energy_transactions_amount_positive CHECK (amount_wh > 0),
      CONSTRAINT energy_transactions_price_positive CHECK (price > 0),
      CONSTRAINT energy_transactions_fee_within_total CHECK (fee >= 0 AND fee <= total),
      CONSTRAINT energy_transactions_no_self_trade CHECK (seller_id <> buyer_id),
      CONSTRAINT energy_transactions_settled_when_completed CHECK ((status = 'completed') = (settled_at IS NOT NULL))
    )`);
  for (const index of [
    'idx_energy_transactions_seller ON energy_transactions (seller_id, id)',
    'idx_energy_transactions_buyer ON energy_transactions (buyer_id, id)',
    `idx_energy_transactions_status ON energy_transactions (status, id) WHERE status IN ('pending', 'processing')`,
    'idx_energy_transactions_offer ON energy_transactions (offer_id, id)',
    'idx_energy_transactions_order ON energy_transactions (order_id, id) WHERE order_id IS NOT NULL',
    'idx_energy_transactions_settled ON energy_transactions (settled_at, id) WHERE settled_at IS NOT NULL',
    `idx_energy_transactions_blockchain ON energy_transactions (blockchain_tx_signature)
       WHERE blockchain_tx_signature IS NOT NULL`,
    `idx_energy_transactions_participants ON energy_transactions
       (least(seller_id, buyer_id), greatest(seller_id, buyer_id), created_at DESC)`,
  ]) {
    await queryRunner.query(`CREATE INDEX ${index}`);
  }
}
