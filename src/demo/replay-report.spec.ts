import type { ReplayResult } from './replay';
import type { HouseholdFigures } from './replay-figures';
import { jsonOf, reportOf } from './replay-report';

const household = (serial: string, figures: Partial<HouseholdFigures>): HouseholdFigures => ({
  serial,
  name: `Household of ${serial}`,
  generatedWh: 0n,
  consumedWh: 0n,
  surplusWh: 0n,
  mintedWh: 0n,
  soldWh: 0n,
  boughtWh: 0n,
  spent: 0n,
  earned: 0n,
  fees: 0n,
  certifiedWh: 0n,
  deposited: 0n,
  energyWh: 0n,
  money: 0n,
  ...figures,
});

const result: ReplayResult = {
  dataset: '/data/somewhere',
  market: 'solar',
  readings: {
    accepted: 4,
    duplicates: 0,
    revised: 0,
    rejected: 1,
    errors: [{ line: 7, code: 'NEGATIVE_ENERGY', detail: 'No' }],
  },
  orders: { placed: 2, before: 0, refused: 0, refusals: [] },
  households: [
    household('M-1', {
      generatedWh: 1_814_925n,
      surplusWh: 2_500n,
      mintedWh: 2_500n,
      soldWh: 1_000n,
      earned: 2_970_000n,
      fees: 30_000n,
    }),
    household('M-2', { consumedWh: 90n, boughtWh: 1_000n, spent: 3_000_000n, deposited: 4_500_000n }),
  ],
  energyConserved: true,
  moneyConserved: true,
  reconciliation: {
    id: 'r',
    status: 'completed',
    breaks: 0,
    breaksByType: {},
    first: [],
    supplyAgrees: true,
  },
  members: [],
  seconds: 12.34,
};

const rowOf = (report: string, name: string): string[] => {
  const row = report.split('\n').find((line) => line.includes(`│ ${name} `)) ?? '';
  return row.split('│').slice(1, -1);
};

describe('the report of a replay', () => {
  it('shows a row for each household and the total, figures aligned to the right', () => {
    const report = reportOf(result);
    const cells = (name: string): string[] => rowOf(report, name).map((cell) => cell.trim());
    expect(cells('M-1')).toEqual([
      'M-1',
      '1814.925',
      '0.000',
      '2.500',
      '2.500',
      '1.000',
      '0.000',
      '0.000000',
      '2.970000',
      '0.000',
    ]);
    expect(cells('total')).toEqual([
      'total',
      '1814.925',
      '0.090',
      '2.500',
      '2.500',
      '1.000',
      '1.000',
      '3.000000',
      '2.970000',
      '0.000',
    ]);
    const widths = new Set(
      ['M-1', 'M-2', 'total'].map((name) =>
        rowOf(report, name)
          .map(({ length }) => length)
          .join(),
      ),
    );
    expect(widths.size).toBe(1);
    expect(
      rowOf(report, 'M-2')
        .slice(1)
        .every((cell) => /\d $/.test(cell)),
    ).toBe(true);
  });

  it('says what holds for the whole, and which lines were rejected', () => {
    const report = reportOf(result);
    expect(report).toContain('4 accepted, 0 duplicates, 0 revised, 1 rejected');
    expect(report).toContain('line 7: No (NEGATIVE_ENERGY)');
    expect(report).toMatch(/^energy +conserved: minted 2\.500/m);
    expect(report).toMatch(/^reconciliation +0 breaks$/m);
    expect(report).toMatch(/^duration +12\.3 s$/m);
  });

  it('shouts when something is lost, and counts what it does not show', () => {
    const errors = Array.from({ length: 100 }, (_, index) => ({
      line: index + 2,
      code: 'MALFORMED_LINE',
      detail: 'No',
    }));
    const reconciliation = {
      ...result.reconciliation,
      breaks: 1,
      breaksByType: { MINT_NOT_BOOKED: 1 },
      first: ['MINT_NOT_BOOKED: x'],
    };
    const readings = { ...result.readings, rejected: 250, errors };
    const report = reportOf({ ...result, readings, reconciliation, energyConserved: false });
    expect(report).toContain('NOT CONSERVED');
    expect(report).toContain('and 240 more');
    expect(report).toContain('1 breaks (1 MINT_NOT_BOOKED)');
  });

  it('gives machines the same figures, and whether all is well', () => {
    const json = JSON.parse(JSON.stringify(jsonOf(result))) as Record<string, unknown>;
    expect(json).toMatchObject({
      sound: true,
      households: [{ serial: 'M-1', generatedKwh: '1814.925', earned: '2.970000' }, { serial: 'M-2' }],
      total: { boughtKwh: '1.000', spent: '3.000000' },
      readings: { accepted: 4, rejected: 1 },
    });
    expect(jsonOf({ ...result, moneyConserved: false })).toMatchObject({ sound: false });
    expect(jsonOf({ ...result, orders: { ...result.orders, refused: 1 } })).toMatchObject({ sound: false });
  });
});
