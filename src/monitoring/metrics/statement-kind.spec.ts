import { statementKind } from './statement-kind';

const tables = new Set(['users', 'ledger_accounts', 'trading_orders']);

describe('statement kinds', () => {
  it.each([
    ['SELECT "id" FROM "users" WHERE id = $1', 'select', 'users'],
    ['INSERT INTO trading_orders (id) SELECT * FROM unnest($1::uuid[])', 'insert', 'trading_orders'],
    [
      'UPDATE ledger_accounts a SET balance = b.balance FROM unnest($1::uuid[]) b',
      'update',
      'ledger_accounts',
    ],
    ['  DELETE FROM ONLY users', 'delete', 'users'],
    ['WITH due AS (SELECT id FROM trading_orders) SELECT 1', 'with', 'trading_orders'],
    ['SELECT 1 FROM market.users AS u', 'select', 'users'],
    ['INSERT INTO "The Market"."trading_orders" DEFAULT VALUES', 'insert', 'trading_orders'],
    ['DELETE FROM ONLY s$1.users', 'delete', 'users'],
    ['SELECT 1 FROM users.nobody', 'select', 'other'],
    ['START TRANSACTION', 'start', 'other'],
    ['SELECT relname FROM pg_class', 'select', 'other'],
    ['VACUUM', 'other', 'other'],
  ])('%s', (text, operation, entity) => {
    expect(statementKind(text, tables)).toEqual({ operation, entity });
  });
});
