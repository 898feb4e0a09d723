export const METER_STATUSES = ['pending', 'verified', 'suspended', 'retired'] as const;

/**
 * `pending`: registered, its readings are kept but not minted. `verified`: an operator has checked it, its
 * surplus becomes tokens. `suspended`: takes no readings until it is verified again. `retired`: for ever.
 */
export type MeterStatus = (typeof METER_STATUSES)[number];

const successors: Record<MeterStatus, readonly MeterStatus[]> = {
  pending: ['verified', 'suspended', 'retired'],
  verified: ['suspended', 'retired'],
  suspended: ['verified', 'retired'],
  retired: [], // what it measured stays; a new device is a new meter
};

/** Whether a meter of one status may come to have the other. */
export const mayBecome = (from: MeterStatus, to: MeterStatus): boolean => successors[from].includes(to);
