import { createHash } from 'node:crypto';
import { parse } from 'csv-parse/sync';
import { clearSkyIrradiance, cosineOfZenith, transmittance } from './clear-sky';
import { sharesOfDay } from './load-profile';
import { generatedNeighbourhood } from './neighbourhood';

interface Line {
  meter_serial: string;
  interval_start: string;
  interval_minutes: string;
  generated_wh: string;
  consumed_wh: string;
}

const choice = { seed: 'spec', before: new Date('2026-03-15T17:20:00Z'), days: 14 };

function textOf(seed: string, before = choice.before): string {
  const readings = generatedNeighbourhood({ ...choice, seed, before }).readings();
  return Buffer.concat([...(readings as Iterable<Uint8Array>)]).toString('utf8');
}

const linesOf = (seed: string): Line[] => parse<Line>(textOf(seed), { columns: true });
const sum = (lines: readonly Line[], column: 'generated_wh' | 'consumed_wh'): number =>
  lines.reduce((total, line) => total + Number(line[column]), 0);

describe('the generated neighbourhood', () => {
  const lines = linesOf('spec');
  const { households } = generatedNeighbourhood(choice);

  it('is the same for the same seed, whenever on the day it is made, and another for another seed', () => {
    const hash = (text: string): string => createHash('sha256').update(text).digest('hex');
    expect(hash(textOf('spec', new Date('2026-03-15T00:00:00Z')))).toBe(hash(textOf('spec')));
    expect(hash(textOf('other'))).not.toBe(hash(textOf('spec')));
  });

  it('covers the last 14 full UTC days in quarter-hours, each once for each household', () => {
    expect(households).toHaveLength(12);
    expect(lines).toHaveLength(12 * 14 * 96);
    const starts = lines.map(({ interval_start: start }) => start).sort();
    expect(starts[0]).toBe('2026-03-01T00:00:00.000Z');
    expect(starts.at(-1)).toBe('2026-03-14T23:45:00.000Z');
    expect(
      new Set(lines.map(({ meter_serial: serial, interval_start: start }) => `${serial} ${start}`)).size,
    ).toBe(lines.length);
  });

  it('counts in whole Wh, and never generates more than a meter may', () => {
    const watts = new Map(households.map(({ serial, pvW }) => [serial, Number(pvW)]));
    const most = (serial: string): number => ((watts.get(serial) ?? 0) * 0.25 * 12) / 10;
    const wrong = lines.filter(
      (line) =>
        !/^\d+$/.test(line.generated_wh) ||
        !/^\d+$/.test(line.consumed_wh) ||
        Number(line.generated_wh) > most(line.meter_serial),
    );
    expect(wrong).toEqual([]);
  });

  it('has households that sell by day and others that only consume', () => {
    const withPv = households.filter(({ pvW }) => pvW > 0n).map(({ serial }) => serial);
    expect(withPv).toHaveLength(5);
    const byPv = lines.filter(({ meter_serial: serial }) => withPv.includes(serial));
    expect(byPv.some((line) => Number(line.generated_wh) > Number(line.consumed_wh))).toBe(true);
    expect(sum(lines, 'generated_wh')).toBe(sum(byPv, 'generated_wh'));
  });

  it('generates what PV of that size gives near the equator, and nothing at night', () => {
    const kWhPerKwAndDay = sum(lines, 'generated_wh') / 33 / 14 / 1000;
    expect(kWhPerKwAndDay).toBeGreaterThan(2);
    expect(kWhPerKwAndDay).toBeLessThan(6);
    const atLocalMidnight = lines.filter(({ interval_start: start }) => start.includes('T17:00'));
    expect(sum(atLocalMidnight, 'generated_wh')).toBe(0);
  });
});

describe('the clear sky', () => {
  const equator = { latitude: 0, longitude: 0 };

  it('has the sun overhead at the equator at noon of an equinox, and below the horizon at midnight', () => {
    expect(cosineOfZenith(new Date('2026-03-21T12:00:00Z'), equator)).toBeCloseTo(1, 2);
    expect(cosineOfZenith(new Date('2026-03-21T00:00:00Z'), equator)).toBeCloseTo(-1, 2);
  });

  it('gives about a kilowatt with the sun overhead, less the lower it stands, nothing at night', () => {
    expect(clearSkyIrradiance(1)).toBeCloseTo(1035.1, 0);
    expect(clearSkyIrradiance(0.5)).toBeLessThan(clearSkyIrradiance(0.9));
    expect(clearSkyIrradiance(-0.1)).toBe(0);
  });

  it('lets a quarter through when it is overcast and everything when it is clear', () => {
    expect(transmittance(8)).toBeCloseTo(0.25);
    expect(transmittance(0)).toBe(1);
  });
});

describe('the load profile', () => {
  it.each(['at-work', 'at-home', 'family', 'retired', 'student'] as const)(
    'of %s spreads one day',
    (lifestyle) => {
      for (const weekend of [false, true]) {
        const shares = sharesOfDay(lifestyle, weekend, 96);
        expect(shares.reduce((total, share) => total + share, 0)).toBeCloseTo(1, 10);
        const at = (hour: number): number => shares[hour * 4] ?? 0;
        expect(at(20)).toBeGreaterThan(2 * at(4));
      }
    },
  );
});
