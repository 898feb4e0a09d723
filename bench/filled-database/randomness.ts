import type { Client } from 'pg';

/** A prime larger than any table: multiplying by it scatters numbers and never maps two to one. */
export const SCATTER = 2_147_483_647;

/** A name for a row of numbers of its own: the same name always gives the same numbers. */
export type Salt = number;

/**
 * Makes the functions that statements of the filled database draw their values with: pseudo-random by hashing the
 * number of the row, so that the same sizes give the same data, and short enough for PostgreSQL to inline.
 * They live as long as the connection.
 * @param now what the data takes for the present
 */
export async function createRandomness(client: Client, now: Date): Promise<void> {
  await client.query(`
    CREATE FUNCTION pg_temp.present() RETURNS timestamptz IMMUTABLE LANGUAGE sql
      AS $$ SELECT ${client.escapeLiteral(now.toISOString())}::timestamptz $$;

    -- Uniform in [0, 1).
    CREATE FUNCTION pg_temp.chance(no bigint, salt bigint) RETURNS double precision IMMUTABLE LANGUAGE sql
      AS $$ SELECT (hashint8extended(no, salt) & 4503599627370495)::double precision / 4503599627370496 $$;

    -- Uniform in 0 … below - 1.
    CREATE FUNCTION pg_temp.draw(no bigint, salt bigint, below bigint) RETURNS bigint IMMUTABLE LANGUAGE sql
      AS $$ SELECT (hashint8extended(no, salt) & 9223372036854775807) % below $$;

    -- 0 … below - 1: the first hundred have half of everything, by Pareto's law, and one in seven is anybody.
    CREATE FUNCTION pg_temp.skewed(no bigint, salt bigint, below bigint, head double precision DEFAULT 30)
      RETURNS bigint IMMUTABLE LANGUAGE sql
      AS $$ SELECT CASE WHEN pg_temp.chance(no, salt) < 0.15 THEN pg_temp.draw(no, salt, below)
                        ELSE floor(head * (power((pg_temp.chance(no, salt) - 0.15) / 0.85 * 0.99999 + 0.00001, -2) - 1))::bigint % below END $$;

    -- When the no-th of so many things happened in the last days, ever more often towards the present.
    CREATE FUNCTION pg_temp.moment(no bigint, of bigint, days integer) RETURNS timestamptz STABLE LANGUAGE sql
      AS $$ SELECT pg_temp.present() - make_interval(secs => days * 86400.0 * power(1 - no::double precision / of, 2)) $$;

    -- A UUIDv7 of this moment.
    CREATE FUNCTION pg_temp.id_of(at timestamptz, no bigint, salt bigint) RETURNS uuid STABLE LANGUAGE sql
      AS $$ SELECT encode(
        int8send((floor(extract(epoch FROM at) * 1000)::bigint << 16) | 28672 | (hashint8extended(no, salt + 500) & 4095))
        || int8send((hashint8extended(no, salt) & 4611686018427387903) | (-9223372036854775808)), 'hex')::uuid $$;

    -- 32 bytes that nothing else has.
    CREATE FUNCTION pg_temp.digest_of(no bigint, salt bigint) RETURNS bytea IMMUTABLE LANGUAGE sql
      AS $$ SELECT int8send(hashint8extended(no, salt)) || int8send(hashint8extended(no, salt + 1))
        || int8send(hashint8extended(no, salt + 2)) || int8send(hashint8extended(no, salt + 3)) $$;

    -- Base58 of 44 characters, as wallets have, or of 88, as signatures on a chain have.
    CREATE FUNCTION pg_temp.wallet_of(no bigint, salt bigint) RETURNS text IMMUTABLE LANGUAGE sql
      AS $$ SELECT left(translate(encode(pg_temp.digest_of(no, salt), 'hex'), '0', 'z'), 44) $$;
    CREATE FUNCTION pg_temp.signature_of(no bigint, salt bigint) RETURNS text IMMUTABLE LANGUAGE sql
      AS $$ SELECT left(translate(encode(pg_temp.digest_of(no, salt) || pg_temp.digest_of(no, salt + 4), 'hex'), '0', 'z'), 88) $$;
  `);
}

/**
 * SQL that chooses a literal by chance: `oneOf('c', { paid: 0.9, open: 0.1 })`. The last one takes the rest.
 * @param chance SQL of a number in [0, 1)
 * @param type of the literals
 */
export function oneOf(chance: string, shares: Readonly<Record<string, number>>, type = 'text'): string {
  const words = Object.keys(shares);
  let sum = 0;
  const cases = words.slice(0, -1).map((word) => {
    sum += shares[word] ?? 0;
    return `WHEN ${chance} < ${sum.toFixed(6)} THEN '${word}'`;
  });
  return `(CASE ${cases.join(' ')} ELSE '${words.at(-1) ?? ''}' END)::${type}`;
}

/** SQL that chooses one of a few words, all as often, by a row's number. */
export function anyOf(number: string, salt: Salt, words: readonly string[]): string {
  const list = words.map((word) => `'${word}'`).join(', ');
  return `(ARRAY[${list}])[1 + pg_temp.draw(${number}, ${salt}, ${words.length})]`;
}
