import { questionOf } from './question';

describe('the question of an index', () => {
  it('has a parameter for each column it names, once', () => {
    const query =
      'SELECT id FROM sales WHERE buyer_id = :buyer_id OR seller_id = :buyer_id AND status = :status';
    expect(questionOf({ query })).toEqual({
      text: 'SELECT id FROM sales WHERE buyer_id = $1 OR seller_id = $1 AND status = $2',
      columns: ['buyer_id', 'status'],
    });
  });

  it('leaves types and what is written out alone', () => {
    const query = `SELECT id FROM logs WHERE at >= :at::timestamptz AND kind = 'a' AND at < :at::timestamptz + interval '1 hour'`;
    expect(questionOf({ query }).text).toBe(
      `SELECT id FROM logs WHERE at >= $1::timestamptz AND kind = 'a' AND at < $1::timestamptz + interval '1 hour'`,
    );
  });
});
