import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { metersCsv, openFolder } from './dataset';

const METERS = 'meter_serial,household,pv_kw,zone\n';
const READINGS = 'meter_serial,interval_start,interval_minutes,generated_wh,consumed_wh\n';

describe('a folder to replay', () => {
  let folder: string;

  const holds = async (meters: string, readings = READINGS): Promise<void> => {
    await writeFile(join(folder, 'meters.csv'), meters);
    await writeFile(join(folder, 'readings.csv'), readings);
  };

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gridtokenx-dataset-'));
  });

  afterEach(() => rm(folder, { recursive: true }));

  it('holds households with their PV in watts, and readings to be streamed as often as needed', async () => {
    await holds(
      `\uFEFF${METERS}M-1,"Couple, retired",4.5,north\r\nM-2,Single,0,south\r\n`,
      `${READINGS}M-1,x,15,0,1\n`,
    );
    const dataset = await openFolder(folder);
    expect(dataset.households).toEqual([
      { serial: 'M-1', name: 'Couple, retired', pvW: 4500n, zone: 'north' },
      { serial: 'M-2', name: 'Single', pvW: 0n, zone: 'south' },
    ]);
    for (let time = 0; time < 2; time++) {
      const chunks: Uint8Array[] = [];
      for await (const chunk of dataset.readings()) chunks.push(chunk);
      expect(Buffer.concat(chunks).toString()).toBe(`${READINGS}M-1,x,15,0,1\n`);
      expect(Buffer.concat(chunks)).toHaveLength(dataset.sizeBytes);
    }
  });

  it('reads what it writes', async () => {
    const households = [{ serial: 'M-1', name: 'One "big", family', pvW: 12_345n, zone: 'north' }];
    await holds(metersCsv(households));
    expect((await openFolder(folder)).households).toEqual(households);
  });

  it('says which file is missing and how to get one', async () => {
    await expect(openFolder(join(folder, 'nowhere'))).rejects.toThrow(
      `There is no ${join(folder, 'nowhere', 'meters.csv')}: name a folder that holds meters.csv and readings.csv`,
    );
    await writeFile(join(folder, 'meters.csv'), `${METERS}M-1,A,0,north\n`);
    await expect(openFolder(folder)).rejects.toThrow('npm run demo:generate -- <folder> makes one');
  });

  it.each([
    ['', 'names no household'],
    ['serial,zone\nM-1,north\n', 'lacks meter_serial, household, pv_kw'],
    [METERS, 'names no household'],
    [`${METERS}M-1,A,0,north\nM-2,B,lots,north\n`, 'line 3: pv_kw is "lots", but must be kW'],
    [`${METERS}M-1,A,-1,north\n`, 'line 2: pv_kw is "-1"'],
    [`${METERS}M-1,A,0,\n`, 'line 2: zone is empty'],
    [`${METERS}M-1,A,0,north\nM-1,B,0,north\n`, 'line 3: meter M-1 stands there twice'],
    [`${METERS}M-1,"A,0,north\n`, 'is not well-formed CSV'],
  ])('refuses a meters.csv of %j in a sentence', async (meters, sentence) => {
    await holds(meters);
    await expect(openFolder(folder)).rejects.toThrow(sentence);
  });

  it('refuses readings under other columns', async () => {
    await holds(`${METERS}M-1,A,0,north\n`, 'meter_serial;interval_start\n');
    await expect(openFolder(folder)).rejects.toThrow('readings.csv lacks meter_serial, interval_start');
  });
});
