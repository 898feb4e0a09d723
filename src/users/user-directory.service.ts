import { Injectable } from '@nestjs/common';
import { decodeCursor, INSTANT_SHAPE, pageOf, UUID_SHAPE, type Page } from '../common/cursor';
import { DatabaseService } from '../database/database.service';
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

  /**
   * Newest first. Users who have yet to verify their e-mail address do not include closed accounts.
   * There are 12 statements in all. Those with one filter have an index each; of those with a search or several filters
   * the best one depends on what is asked for, and they are planned for that.
   */
  async list({ role, emailVerified, search, limit, cursor }: UserQuery): Promise<Page<UserView>> {
    const position = cursor === undefined ? START : decodeCursor(cursor, [INSTANT_SHAPE, UUID_SHAPE]);
    const values: unknown[] = [...position, limit + 1];
    let conditions = '(created_at, id) < ($1::timestamptz, $2::uuid)';
    if (role !== undefined) conditions += ` AND role = $${values.push(role)}::user_role`;
    if (emailVerified === true) conditions += ' AND email_verified';
    if (emailVerified === false) conditions += ' AND NOT email_verified AND closed_at IS NULL';
    if (search !== undefined) conditions += ` AND ${SEARCHED} LIKE lower($${values.push(pattern(search))})`;
    const text = `SELECT ${USER_COLUMNS} FROM users WHERE ${conditions} ORDER BY created_at DESC, id DESC LIMIT $3`;
    const isPlain = search === undefined && (role === undefined || emailVerified === undefined);
    const rows = isPlain
      ? await this.database.query<UserRow>(text, values)
      : await this.database.queryPlanned<UserRow>(text, values);
    return pageOf(rows, limit, (row) => [row.created_at.toISOString(), row.id], userView);
  }
}

/** What LIKE looks for, with the characters that mean something to it taken as they are. */
function pattern(search: string): string {
  const literal = search.replace(/[\\%_]/g, '\\$&');
  return search.length < WHOLE_TRIGRAM ? `% ${literal}%` : `%${literal}%`;
}
