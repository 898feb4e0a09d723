import { InvalidCsvHeader } from './meters.errors';
import { Refusal, type Entry } from './reading';
import { CsvFormat, NdjsonFormat, type LineFormat } from './reading-lines';

const HEADER = 'meter_serial,interval_start,interval_minutes,generated_wh,consumed_wh';

function read(format: LineFormat, texts: readonly (string | undefined)[]): Entry[] {
  const entries = texts.map((text, index) => format.read({ number: index + 1, text }));
  format.end();
  return entries.filter((entry) => entry !== undefined);
}

const csv = (...texts: (string | undefined)[]) => read(new CsvFormat(), texts);
const ndjson = (...texts: string[]) => read(new NdjsonFormat(), texts);

const refusals = (entries: readonly Entry[]) =>
  entries.flatMap(({ line, content }) =>
    content instanceof Refusal ? [{ line, detail: content.detail }] : [],
  );

const reading = {
  meterSerial: 'GTX-1',
  intervalStart: new Date('2021-06-30T22:00:00Z'),
  intervalMinutes: 15,
  generatedWh: 7n,
  consumedWh: 20n,
  quality: 'actual',
};

describe('CSV', () => {
  it('reads a reading, its offset turned into UTC', () => {
    expect(csv(HEADER, 'GTX-1,2021-07-01T00:00:00+02:00,15,7,20')).toEqual([{ line: 2, content: reading }]);
  });

  it('takes columns in any order, in any case, beside others, and a quality', () => {
    const header = 'note,Consumed_Wh,generated_wh,interval_minutes,quality,interval_start,METER_SERIAL';
    expect(csv(header, 'cloudy,20,7,15,estimated,2021-06-30T22:00:00Z,GTX-1')).toEqual([
      { line: 2, content: { ...reading, quality: 'estimated' } },
    ]);
  });

  it('takes quoted fields, blanks around fields and blank lines', () => {
    expect(csv('', HEADER, '', ' "GTX-1" , "2021-06-30T22:00:00Z",15, 7 ,"20"', '   ')).toEqual([
      { line: 4, content: reading },
    ]);
  });

  it('an empty quality is an actual one', () => {
    expect(csv(`${HEADER},quality`, 'GTX-1,2021-06-30T22:00:00Z,15,7,20,')).toEqual([
      { line: 2, content: reading },
    ]);
  });

  it('a quote that is never closed spoils its own line only', () => {
    const good = 'GTX-1,2021-06-30T22:00:00Z,15,7,20';
    const entries = csv(HEADER, good, '"GTX-1,2021-06-30T22:00:00Z,15,7,20', good);
    expect(refusals(entries)).toEqual([{ line: 3, detail: 'The quotes of the line do not match' }]);
    expect(entries).toHaveLength(3);
  });

  it.each([
    ['rubbish', 'The line has 1 fields, the header has 5'],
    ['GTX-1,2021-06-30T22:00:00Z,15,7,20,', 'The line has 6 fields, the header has 5'],
    ['GTX-1,2021-06-30T22:00:00Z,15,7.5,20', 'generated_wh must be a whole number of watt-hours'],
    ['GTX-1,2021-06-30T22:00:00Z,15,,20', 'generated_wh must be a whole number of watt-hours'],
    ['GTX-1,2021-06-30T22:00:00Z,15,1e3,20', 'generated_wh must be a whole number of watt-hours'],
    ['GTX-1,2021-06-30T22:00:00Z,quarter,7,20', 'interval_minutes must be a whole number of minutes'],
    [
      'GTX-1,2021-06-30T22:00:00,15,7,20',
      'interval_start must be an ISO 8601 time with an offset, such as 2026-01-31T12:00:00Z',
    ],
    [
      'GTX-1,2021-02-30T22:00:00Z,15,7,20',
      'interval_start must be an ISO 8601 time with an offset, such as 2026-01-31T12:00:00Z',
    ],
  ])('refuses %s', (line, detail) => {
    expect(refusals(csv(HEADER, line))).toEqual([{ line: 2, detail }]);
  });

  it('refuses a line that was too long to read', () => {
    expect(refusals(csv(HEADER, undefined))).toEqual([{ line: 2, detail: 'The line is too long' }]);
  });

  it('names every column that the header lacks, or has twice', () => {
    expect(() => csv('meter_serial,interval_start,generated_wh')).toThrow(
      'it does not name interval_minutes, consumed_wh',
    );
    expect(() => csv(`${HEADER},consumed_wh`)).toThrow('it names consumed_wh twice');
    expect(() => csv('GTX-1,2021-06-30T22:00:00Z,15,7,20')).toThrow(InvalidCsvHeader);
  });

  it('wants a header even when there is nothing else', () => {
    expect(() => csv()).toThrow(InvalidCsvHeader);
    expect(csv(HEADER)).toEqual([]);
  });
});

describe('NDJSON', () => {
  const json = {
    meterSerial: 'GTX-1',
    intervalStart: '2021-07-01T00:00:00+02:00',
    intervalMinutes: 15,
    generatedWh: 7,
    consumedWh: 20,
  };

  it('reads one reading per line, from line 1', () => {
    expect(ndjson(JSON.stringify(json), '', JSON.stringify({ ...json, quality: 'substituted' }))).toEqual([
      { line: 1, content: reading },
      { line: 3, content: { ...reading, quality: 'substituted' } },
    ]);
  });

  it.each([
    ['{"meterSerial":', 'The line is not a JSON object'],
    ['[]', 'Invalid input: expected object, received array'],
    ['null', 'Invalid input: expected object, received null'],
    [JSON.stringify({ ...json, generatedWh: 7.5 }), 'generatedWh must be a whole number of watt-hours'],
    [JSON.stringify({ ...json, generatedWh: '7' }), 'generatedWh must be a whole number of watt-hours'],
    [JSON.stringify({ ...json, generatedWh: 2 ** 60 }), 'generatedWh must be a whole number of watt-hours'],
    [JSON.stringify({ ...json, minted: true }), 'Unrecognized key: "minted"'],
    [
      JSON.stringify({ ...json, meterSerial: 'GTX\u0000' }),
      expect.stringContaining('meterSerial must be 1 to 64'),
    ],
  ])('refuses %s', (line, detail: unknown) => {
    expect(refusals(ndjson(line))).toEqual([{ line: 1, detail }]);
  });
});
