import { assertPlainName, partName, replacementName } from './index-in-sql';
import { nearestNames } from './nearest-names';

describe('the names of parts and replacements', () => {
  it('follow the partition', () => {
    expect(partName('idx_readings_user', 'readings', 'readings_2026_01')).toBe('idx_readings_user_2026_01');
    expect(partName('idx_readings_user', 'readings', 'older')).toBe('idx_readings_user_older');
  });

  it('stay within what PostgreSQL keeps, and apart', () => {
    const long = 'idx_reconciliation_items_reconciliation_id_with_everything';
    const names = ['0', '1'].map((place) => partName(long, 'items', `items_of_a_long_name_${place}`));
    expect(new Set(names).size).toBe(2);
    for (const name of [...names, replacementName(long)]) {
      expect(name.length).toBeLessThanOrEqual(63);
      expect(name).toMatch(/^idx_reconciliation_items_/);
    }
  });

  it.each(['', 'Users', 'users; DROP TABLE users', 'a b', '1st', 'x'.repeat(64), 'naïve'])(
    'do not come from %j',
    (name) => {
      expect(() => assertPlainName(name)).toThrow('is no name for an index or its table');
    },
  );
});

describe('names that somebody may have meant', () => {
  const known = ['idx_users_email', 'idx_users_role', 'users_search', 'users', 'user_tokens'].map((name) => ({
    name,
  }));

  it.each([
    ['idx_user_email', 'did you mean idx_users_email, '],
    ['emial', 'did you mean idx_users_email, '],
    ['user', 'did you mean users, '],
    ['USERS_SEARCH', 'did you mean users_search, '],
  ])('by %j begin with the nearest', (wanted, sentence) => {
    expect(nearestNames(wanted, known)).toContain(sentence);
  });

  it('are none in an empty database', () => {
    expect(nearestNames('users', [])).toBe('the database has none');
    expect(nearestNames('user', [{ name: 'users' }])).toBe('did you mean users?');
  });
});
