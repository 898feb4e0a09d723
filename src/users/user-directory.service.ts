import { Injectable } from '@nestjs/common';
import { decodeCursor, INSTANT_SHAPE, pageOf, UUID_SHAPE, type Page } from '../common/cursor';
import { DatabaseService } from '../database/database.service';
import type { Statement } from '../database/statement';
import type { UserQuery } from './dto/users.schemas';
import { USER_COLUMNS, userView, type UserRow, type UserView } from './user-view';

const START = ['9999-12-31T23:59:59.999Z', 'ffffffff-ffff-ffff-ffff-ffffffffffff'] as const;

/** The words that `users_search` indexes, in its very form. */
const SEARCHED = `lower(' ' || email || ' ' || username || ' ' || coalesce(first_name, '') || ' ' || coalesce(last_name, ''))`;

/** Trigrams need three characters; a shorter search finds beginnings of words only. */
const WHOLE_TRIGRAM = 3;

/** The list of users that administrators look through. */
@Injectable()
export class UserDirectoryService {
  constructor(private readonly database: DatabaseService) {}

  /** Newest first. Users who have yet to verify their e-mail address do not include closed accounts. */
  async list(query: UserQuery): Promise<Page<UserView>> {
    const { limit, cursor } = query;
    const position = cursor === undefined ? START : decodeCursor(cursor, [INSTANT_SHAPE, UUID_SHAPE]);
    const { text, values } = usersPage(query, [...position, limit + 1]);
    const rows = isSearch(query)
      ? await this.database.queryPlanned<UserRow>(text, values)
      : await this.database.query<UserRow>(text, values);
    return pageOf(rows, limit, (row) => [row.created_at.toISOString(), row.id], userView);
  }
}

/** Whether it depends on what is asked for which index is the best one; other lists have theirs. */
const isSearch = ({ role, emailVerified, search }: UserQuery): boolean =>
  search !== undefined || (role !== undefined && emailVerified !== undefined);

/** The keys of the page are found first: with nothing but a role, by an index that holds all that is asked. */
function usersPage({ role, emailVerified, search }: UserQuery, values: unknown[]): Statement {
  let conditions = '(created_at, id) < ($1::timestamptz, $2::uuid)';
  if (role !== undefined) conditions += ` AND role = $${values.push(role)}::user_role`;
  if (emailVerified === true) conditions += ' AND email_verified';
  if (emailVerified === false) conditions += ' AND NOT email_verified AND closed_at IS NULL';
  if (search !== undefined) conditions += ` AND ${SEARCHED} LIKE lower($${values.push(pattern(search))})`;
  const text = `SELECT ${USER_COLUMNS} FROM users
    WHERE id = ANY (ARRAY(SELECT id FROM users WHERE ${conditions} ORDER BY created_at DESC, id DESC LIMIT $3))
    ORDER BY created_at DESC, id DESC`;
  return { text, values };
}

/** What LIKE looks for, with the characters that mean something to it taken as they are. */
function pattern(search: string): string {
  const literal = search.replace(/[\\%_]/g, '\\$&');
  return search.length < WHOLE_TRIGRAM ? `% ${literal}%` : `%${literal}%`;
}
