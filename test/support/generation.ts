import type { EnergySource } from '../../src/common/request-schemas';
import type { Person, TestApp } from './app';

/** A meter that is registered. */
export interface TestMeter {
  readonly id: string;
  readonly serial: string;
}

interface MeterOptions {
  readonly source?: EnergySource;
  readonly timeZone?: string;
  readonly verified?: boolean;
}

const QUARTER_MS = 900_000;
let meters = 0;

/** Somebody's new meter of 100 kW, verified unless said otherwise. */
export async function hasMeter(app: TestApp, owner: Person, options: MeterOptions = {}): Promise<TestMeter> {
  const { source = 'solar', timeZone = 'UTC', verified = true } = options;
  const serial = `GEN-${++meters}`;
  const body = { serial, zone: 'north', energySource: source, capacityKw: '100.000', timeZone };
  const meter = await app.post('/api/meters', { as: owner, body });
  if (meter.status !== 201) throw new Error(`no meter: ${JSON.stringify(meter.body)}`);
  if (verified) await app.post(`/api/meters/${meter.body.id}/verify`, { as: app.admin });
  return { id: meter.body.id, serial };
}

/**
 * Loads quarters of an hour from an instant on, as an operator may load history: what was generated in each,
 * or what was generated and consumed, in Wh.
 * @returns how many were accepted
 */
export async function generates(
  app: TestApp,
  { serial }: TestMeter,
  from: string,
  quarters: readonly (number | readonly [generated: number, consumed: number])[],
): Promise<number> {
  const readings = quarters.map((quarter, index) => {
    const [generatedWh, consumedWh] = typeof quarter === 'number' ? [quarter, 0] : quarter;
    const intervalStart = new Date(Date.parse(from) + index * QUARTER_MS).toISOString();
    return { meterSerial: serial, intervalStart, intervalMinutes: 15, generatedWh, consumedWh };
  });
  const { status, body } = await app.post('/api/meters/readings', { as: app.admin, body: readings });
  if (status !== 200) throw new Error(`readings were refused: ${JSON.stringify(body)}`);
  return body.accepted;
}

/** Mints all that waits at a meter. */
export async function mints(
  app: TestApp,
  owner: Person,
  { id }: TestMeter,
): Promise<{ id: string; kwh: string }[]> {
  const { status, body } = await app.post('/api/meters/mint', { as: owner, body: { meterId: id } });
  if (status !== 200) throw new Error(`nothing was minted: ${JSON.stringify(body)}`);
  return body.mints;
}
