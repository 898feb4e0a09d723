import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Markets, their orders and trades, and the epochs of those that trade by auction. */
export class Trading1795305600005 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await createTypes(queryRunner);
    await createMarkets(queryRunner);
    await createOrders(queryRunner);
    await createEpochs(queryRunner);
    await createTrades(queryRunner);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const table of ['trades', 'market_epochs', 'trading_orders', 'markets']) {
      await queryRunner.query(`DROP TABLE ${table}`);
    }
    for (const [type] of TYPES) await queryRunner.query(`DROP TYPE ${type}`);
  }
}

const TYPES = [
  ['market_mechanism', `'continuous', 'auction'`],
  ['market_status', `'open', 'halted'`],
  ['market_epoch_status', `'open', 'clearing', 'cleared'`],
  ['trading_order_side', `'buy', 'sell'`],
  ['trading_order_type', `'limit', 'market'`],
  ['trading_order_time_in_force', `'gtc', 'ioc', 'fok', 'gtd'`],
  ['trading_order_status', `'open', 'partially_filled', 'filled', 'cancelled', 'expired', 'rejected'`],
  [
    'trading_order_reason',
    `'cancelled_by_owner', 'self_trade', 'no_liquidity', 'not_fillable', 'max_amount_reached', 'expired'`,
  ],
] as const;

async function createTypes(queryRunner: QueryRunner): Promise<void> {
  for (const [type, values] of TYPES) await queryRunner.query(`CREATE TYPE ${type} AS ENUM (${values})`);
}

async function createMarkets(queryRunner: QueryRunner): Promise<void> {
  await queryRunner.query(`
    CREATE TABLE markets (
      id text NOT NULL,
      mechanism market_mechanism NOT NULL,
      energy_source energy_source NOT NULL,
      tick bigint NOT NULL DEFAULT 1000,
      lot_wh bigint NOT NULL DEFAULT 1,
      fee_bps integer NOT NULL,
      status market_status NOT NULL DEFAULT 'open',
      sequence bigint NOT NULL DEFAULT 0,
      created_at timestamptz(3) NOT NULL DEFAULT now(),
      updated_at timestamptz(3) NOT NULL DEFAULT now(),
      CONSTRAINT markets_pkey PRIMARY KEY (id),
      CONSTRAINT markets_id_form CHECK (id ~ '^[a-z][a-z0-9-]{0,39}$'),
      CONSTRAINT markets_tick_positive CHECK (tick > 0),
      CONSTRAINT markets_lot_positive CHECK (lot_wh > 0),
      CONSTRAINT markets_fee_range CHECK (fee_bps BETWEEN 0 AND 1000),
      CONSTRAINT markets_sequence_never_negative CHECK (sequence >= 0)
    )`);
}

async function createOrders(queryRunner: QueryRunner): Promise<void> {
  await queryRunner.query(`
    CREATE TABLE trading_orders (
      id uuid NOT NULL,
      user_id uuid NOT NULL,
      market text NOT NULL,
      side trading_order_side NOT NULL,
      type trading_order_type NOT NULL,
      time_in_force trading_order_time_in_force NOT NULL,
      price_per_kwh bigint,
      max_amount bigint,
      quantity_wh bigint NOT NULL,
      filled_wh bigint NOT NULL DEFAULT 0,
      filled_amount bigint NOT NULL DEFAULT 0,
      reserved_amount bigint NOT NULL,
      status trading_order_status NOT NULL,
      reason trading_order_reason,
      sequence bigint NOT NULL,
      changed_sequence bigint NOT NULL,
      expires_at timestamptz(3),
      filled_at timestamptz(3),
      client_order_id text,
      created_at timestamptz(3) NOT NULL DEFAULT now(),
      updated_at timestamptz(3) NOT NULL DEFAULT now(),
      CONSTRAINT trading_orders_pkey PRIMARY KEY (id),
      CONSTRAINT trading_orders_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id),
      CONSTRAINT trading_orders_market_fkey FOREIGN KEY (market) REFERENCES markets (id),
      CONSTRAINT trading_orders_quantity_positive CHECK (quantity_wh > 0),
      CONSTRAINT trading_orders_never_overfilled CHECK (filled_wh BETWEEN 0 AND quantity_wh),
      CONSTRAINT trading_orders_filled CHECK (
        (status = 'filled') = (filled_wh = quantity_wh) AND (status = 'filled') = (filled_at IS NOT NULL)),
      CONSTRAINT trading_orders_reserve_never_negative CHECK (reserved_amount >= 0),
      CONSTRAINT trading_orders_reserve_while_resting CHECK (
        (reserved_amount > 0) = (status IN ('open', 'partially_filled'))),
      CONSTRAINT trading_orders_only_limits_rest CHECK (
        type = 'limit' OR status NOT IN ('open', 'partially_filled')),
      CONSTRAINT trading_orders_limit_has_price CHECK (
        (type = 'limit') = (price_per_kwh IS NOT NULL) AND price_per_kwh > 0),
      CONSTRAINT trading_orders_market_buy_has_maximum CHECK (
        (type = 'market' AND side = 'buy') = (max_amount IS NOT NULL) AND max_amount > 0),
      CONSTRAINT trading_orders_gtd_expires CHECK ((time_in_force = 'gtd') = (expires_at IS NOT NULL)),
      CONSTRAINT trading_orders_end_has_reason CHECK (
        (reason IS NOT NULL) = (status IN ('cancelled', 'expired', 'rejected')))
    )`);
  for (const index of [
    'idx_trading_orders_user_id ON trading_orders (user_id, id)',
    'idx_trading_orders_user_status ON trading_orders (user_id, status, id)',
    `idx_trading_orders_status ON trading_orders (expires_at)
      WHERE status IN ('open', 'partially_filled') AND expires_at IS NOT NULL`,
    'idx_trading_orders_side ON trading_orders (market, side, created_at) INCLUDE (quantity_wh)',
    `idx_trading_orders_price ON trading_orders (market, price_per_kwh, sequence)
      WHERE side = 'sell' AND status IN ('open', 'partially_filled')`,
    `idx_trading_orders_status_side ON trading_orders (market, price_per_kwh DESC, sequence)
      WHERE side = 'buy' AND status IN ('open', 'partially_filled')`,
    'idx_trading_orders_filled_at ON trading_orders (market, filled_at DESC) WHERE filled_at IS NOT NULL',
  ]) {
    await queryRunner.query(`CREATE INDEX ${index}`);
  }
  await queryRunner.query(
    `CREATE UNIQUE INDEX trading_orders_client_order_id ON trading_orders (user_id, client_order_id)
      WHERE client_order_id IS NOT NULL`,
  );
}

async function createEpochs(queryRunner: QueryRunner): Promise<void> {
  await queryRunner.query(`
    CREATE TABLE market_epochs (
      id uuid NOT NULL,
      market text NOT NULL,
      starts_at timestamptz(3) NOT NULL,
      ends_at timestamptz(3) NOT NULL,
      status market_epoch_status NOT NULL DEFAULT 'open',
      clearing_price bigint,
      volume_wh bigint NOT NULL DEFAULT 0,
      created_at timestamptz(3) NOT NULL DEFAULT now(),
      updated_at timestamptz(3) NOT NULL DEFAULT now(),
      CONSTRAINT market_epochs_pkey PRIMARY KEY (id),
      CONSTRAINT market_epochs_market_fkey FOREIGN KEY (market) REFERENCES markets (id),
      CONSTRAINT market_epochs_market_starts_at_key UNIQUE (market, starts_at),
      CONSTRAINT market_epochs_period CHECK (starts_at < ends_at),
      CONSTRAINT market_epochs_volume_never_negative CHECK (volume_wh >= 0)
    )`);
}

async function createTrades(queryRunner: QueryRunner): Promise<void> {
  await queryRunner.query(`
    CREATE TABLE trades (
      id uuid NOT NULL,
      market text NOT NULL,
      buy_order_id uuid NOT NULL,
      sell_order_id uuid NOT NULL,
      buyer_id uuid NOT NULL,
      seller_id uuid NOT NULL,
      quantity_wh bigint NOT NULL,
      price_per_kwh bigint NOT NULL,
      amount bigint NOT NULL,
      fee bigint NOT NULL,
      epoch_id uuid,
      sequence bigint NOT NULL,
      executed_at timestamptz(3) NOT NULL,
      created_at timestamptz(3) NOT NULL DEFAULT now(),
      CONSTRAINT trades_pkey PRIMARY KEY (id),
      CONSTRAINT trades_market_fkey FOREIGN KEY (market) REFERENCES markets (id),
      CONSTRAINT trades_buy_order_id_fkey FOREIGN KEY (buy_order_id) REFERENCES trading_orders (id),
      CONSTRAINT trades_sell_order_id_fkey FOREIGN KEY (sell_order_id) REFERENCES trading_orders (id),
      CONSTRAINT trades_buyer_id_fkey FOREIGN KEY (buyer_id) REFERENCES users (id),
      CONSTRAINT trades_seller_id_fkey FOREIGN KEY (seller_id) REFERENCES users (id),
      CONSTRAINT trades_epoch_id_fkey FOREIGN KEY (epoch_id) REFERENCES market_epochs (id),
      CONSTRAINT trades_market_sequence_key UNIQUE (market, sequence),
      CONSTRAINT trades_quantity_positive CHECK (quantity_wh > 0),
      CONSTRAINT trades_price_positive CHECK (price_per_kwh > 0),
      CONSTRAINT trades_amount_rounded_down CHECK (amount = quantity_wh * price_per_kwh / 1000),
      CONSTRAINT trades_fee_within_amount CHECK (fee BETWEEN 0 AND amount),
      CONSTRAINT trades_two_parties CHECK (buyer_id <> seller_id)
    )`);
  for (const index of [
    'trades_market_executed_at ON trades (market, executed_at) INCLUDE (price_per_kwh, quantity_wh)',
    'trades_buy_order_id ON trades (buy_order_id, id)',
    'trades_sell_order_id ON trades (sell_order_id, id)',
    'trades_buyer_id ON trades (buyer_id, id)',
    'trades_seller_id ON trades (seller_id, id)',
    'trades_epoch_id ON trades (epoch_id) WHERE epoch_id IS NOT NULL',
  ]) {
    await queryRunner.query(`CREATE INDEX ${index}`);
  }
}
