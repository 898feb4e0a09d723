import { IntakeReport } from './intake-report';
import { Refusal } from './reading';
import { judgeBatch, type RefusedLine } from './reading-batch';

const nothing = judgeBatch([], new Map(), new Map());
const refused = (...lines: number[]): RefusedLine[] =>
  lines.map((line) => ({ line, refusal: new Refusal('NEGATIVE_ENERGY', `line ${line}`) }));

describe('the report of an upload', () => {
  it('adds batches up and lists errors by line', () => {
    const report = new IntakeReport();
    report.add({ ...nothing, accepted: 3, duplicates: 2, revised: 1 }, refused(5, 2));
    report.add({ ...nothing, accepted: 4 }, refused(9));
    expect(report.view()).toEqual({
      accepted: 7,
      duplicates: 2,
      revised: 1,
      rejected: 3,
      errors: [2, 5, 9].map((line) => ({ line, code: 'NEGATIVE_ENERGY', detail: `line ${line}` })),
    });
  });

  it('counts all errors and shows the first hundred', () => {
    const report = new IntakeReport();
    report.add(nothing, refused(...Array.from({ length: 60 }, (_, index) => index + 1)));
    report.add(nothing, refused(...Array.from({ length: 60 }, (_, index) => 120 - index)));
    const { rejected, errors } = report.view();
    expect(rejected).toBe(120);
    expect(errors.map(({ line }) => line)).toEqual(Array.from({ length: 100 }, (_, index) => index + 1));
  });
});
