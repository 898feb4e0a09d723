import { credentialsOf } from '../../src/users/login.service';
import { sampled, type HotQuery } from './hot-query';

interface Credentials {
  readonly id: string;
  readonly password_hash: string;
}

/** POST /api/auth/login: whom an e-mail address belongs to. The application keeps no such answer in its cache. */
export const logIn: HotQuery<Credentials> = {
  name: 'log-in',
  title: 'User login look-up',
  table: 'users',
  kind: 'look-up',
  answerRows: 1,
  sizes: (rows) => ({ readings: 0, others: 1_000, tables: { users: rows }, only: ['users'] }),

  async draw(pool, rows, count) {
    const { rows: people } = await pool.query<{ email: string }>(
      `SELECT lower(email) AS email FROM ${sampled('users', rows, count)} WHERE is_active LIMIT ${count}`,
    );
    return people.map(({ email }) => ({ ask: (ask) => ask<Credentials>(credentialsOf(email)) }));
  },

  view: (row) => row,
};
