import type { ReportAnswer } from './report-reader';
import { cellText, reportText } from './report-table';

const answer = (rest: Partial<ReportAnswer> = {}): ReportAnswer => ({
  report: 'tables',
  title: 'Tables',
  meaning: 'How they are read.',
  remedy: 'Make an index.',
  asOf: '2026-11-01T00:00:00.000Z',
  available: true,
  total: 1,
  columns: [
    { key: 'table', title: 'table', unit: 'text' },
    { key: 'bytes', title: 'size', unit: 'bytes' },
    { key: 'rows', title: 'rows', unit: 'count' },
  ],
  rows: [{ table: 'meter_readings', bytes: 3 * 1024 ** 2, rows: 1_234_567 }],
  findings: [],
  notes: [],
  ...rest,
});

describe('a report as text', () => {
  it('shows figures as people read them, aligned', () => {
    const text = reportText(answer());

    expect(text).toContain('meter_readings');
    expect(text).toMatch(/3\.0 MB │ 1 234 567/);
  });

  it('shows what fits the terminal, and says what does not', () => {
    const text = reportText(answer(), 30);

    expect(text).toContain('3.0 MB');
    expect(text).not.toContain('1 234 567');
    expect(text).toContain('too narrow for: rows (--wide shows them)');
  });

  it('says what is missing and how to get it', () => {
    const text = reportText(
      answer({ available: false, missing: 'pgstattuple', howTo: 'CREATE EXTENSION pgstattuple' }),
    );

    expect(text).toBe('Tables\n\nNot available: pgstattuple is missing. CREATE EXTENSION pgstattuple.');
  });

  it('names what to look at with its remedy', () => {
    const finding = {
      severity: 'warn',
      subject: 'users',
      detail: 'too many dead rows',
      remedy: 'VACUUM users',
    } as const;

    expect(reportText(answer({ findings: [finding] }))).toContain(
      'warn     users: too many dead rows. VACUUM users.',
    );
  });

  it.each([
    [null, 'bytes', ''],
    [0.9312, 'ratio', '93.1 %'],
    [0.35, 'milliseconds', '0.35 ms'],
    [7_500, 'seconds', '2 h 5 min'],
    [-2048, 'bytes', '-2.0 kB'],
    [true, 'flag', 'yes'],
    [['a', 'b'], 'text', 'a, b'],
    ['SELECT\n  1', 'text', 'SELECT 1'],
    ['x'.repeat(200), 'text', `${'x'.repeat(79)}…`],
  ] as const)('shows %j as %s', (cell, unit, shown) => {
    expect(cellText(cell, { unit })).toBe(shown);
  });
});
