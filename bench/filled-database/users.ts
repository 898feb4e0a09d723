import { KNOWN_USERS } from './known-users';
import { anyOf, oneOf, SCATTER } from './randomness';
import type { TableFill } from './table-fill';

const FIRST_NAMES =
  'Anong Arthit Boonsri Chai Dao Ekachai Fah Kamala Kanya Lamai Malee Narong Niran Nok Pimchan Prasert Ratana Sakda Somchai Sunee Suda Tida Udom Wanida Wichai Yaowa Anna Ben Clara David Elena Felix Grace Henrik Ines Jonas Karin Lars Mara Nils'.split(
    ' ',
  );
const LAST_NAMES =
  'Saetang Chaiyasit Wongsawat Srisai Boonmee Thongchai Rattanakul Suwan Phromma Kaewmanee Jaidee Intharat Charoensuk Meesuk Sombat Thepsiri Limsakul Panyarachun Bunnag Chantara Berg Costa Dietrich Evans Fischer Garcia Hansen Ivanov Jansen Keller Lindqvist Moreau Novak Olsen Petrov Quist Rossi Schmidt Tanaka Weber'.split(
    ' ',
  );
const PROVIDERS = ['example.org', 'example.net', 'mail.example', 'post.example', 'grid.example'];

const organizations: TableFill = {
  table: 'organizations',
  with: [],
  statements: (plan) => {
    const rows = plan.rows('organizations');
    return [
      `CREATE TEMP TABLE the_organizations AS
         SELECT no, pg_temp.id_of(pg_temp.moment(no, ${rows}, 1500), no, 1) AS id, pg_temp.moment(no, ${rows}, 1500) AS created_at
           FROM generate_series(0, ${rows - 1}) AS no`,
      `INSERT INTO organizations (id, name, created_at, updated_at)
         SELECT id, ${anyOf('no', 2, ['Cooperative', 'Energy Community', 'Municipality', 'Solar Park', 'Housing Estate'])} || ' ' || no,
                created_at, created_at
           FROM the_organizations ORDER BY no`,
    ];
  },
};

const users: TableFill = {
  table: 'users',
  with: ['organizations'],
  statements: (plan) => {
    const rows = plan.rows('users');
    const known = KNOWN_USERS.map(
      ({ id, email, username, role }, no) => `(${no}, '${id}'::uuid, '${email}', '${username}', '${role}')`,
    );
    // `rank` says how busy somebody is, 0 most of all; it has nothing to do with when they came.
    return [
      `CREATE TEMP TABLE the_users AS
         SELECT u.no, (u.no::bigint * ${SCATTER}) % ${rows} AS rank,
                coalesce(k.id, pg_temp.id_of(pg_temp.moment(u.no, ${rows}, 1200), u.no, 10)) AS id,
                coalesce(k.role, ${roleOf('u.no')})::user_role AS role,
                coalesce(k.email, lower(first_name || '.' || last_name) || '.' || u.no || '@' || ${anyOf('u.no', 15, PROVIDERS)}) AS email,
                coalesce(k.username, lower(left(first_name, 1) || last_name) || u.no) AS username,
                first_name, last_name, o.id AS organization_id,
                CASE WHEN u.no = 0 OR pg_temp.chance(u.no, 16) < 0.2 THEN pg_temp.wallet_of(u.no, 20) END AS wallet_address,
                CASE WHEN k.id IS NULL THEN pg_temp.moment(u.no, ${rows}, 1200) ELSE '2020-01-01' END AS created_at,
                CASE WHEN k.id IS NULL THEN pg_temp.chance(u.no, 17) ELSE 0 END AS activity
           FROM (SELECT no, ${anyOf('no', 12, FIRST_NAMES)} AS first_name, ${anyOf('no', 13, LAST_NAMES)} AS last_name
                   FROM generate_series(0, ${rows - 1}) AS no) u
           LEFT JOIN (VALUES ${known.join(', ')}) AS k(no, id, email, username, role) USING (no)
           LEFT JOIN the_organizations o
             ON o.no = pg_temp.skewed(u.no, 14, ${plan.rows('organizations')}) AND pg_temp.chance(u.no, 18) < 0.25`,
      `INSERT INTO users (id, email, username, password_hash, role, organization_id, first_name, last_name, wallet_address,
                          email_verified, is_active, closed_at, created_at, updated_at)
         SELECT id, email, username, '$argon2id$v=19$m=19456,t=2,p=1$' || md5(no::text) || '$' || md5(id::text), role, organization_id,
                first_name, last_name, wallet_address, no < ${known.length} OR pg_temp.chance(no, 19) < 0.988, activity < 0.98,
                CASE WHEN activity > 0.99 THEN least(pg_temp.present(), created_at + interval '90 days') END, created_at, created_at
           FROM the_users ORDER BY no`,
      'CREATE UNIQUE INDEX ON the_users (rank)',
      'ANALYZE the_users',
    ];
  },
};

const roleOf = (no: string): string =>
  oneOf(`pg_temp.chance(${no}, 11)`, {
    admin: 0.0001,
    auditor: 0.0002,
    operator: 0.0005,
    corporate: 0.03,
    prosumer: 0.35,
    consumer: 0.6,
  });

export const userFills: readonly TableFill[] = [organizations, users];
