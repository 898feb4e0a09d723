import { makeCounterProvider } from '@willsoto/nestjs-prometheus';

/** Lines of uploads by what became of them: accepted, duplicate, revised, rejected. */
export const READINGS = 'meter_readings_total';
/** Surplus that became tokens, in Wh. */
export const MINTED_ENERGY = 'minted_energy_wh_total';

export const meterMetrics = [
  makeCounterProvider({
    name: READINGS,
    help: 'Meter readings by what became of them',
    labelNames: ['result'],
  }),
  makeCounterProvider({ name: MINTED_ENERGY, help: 'Surplus energy that was minted, in watt-hours' }),
];
