import type { Box } from './box';
import { cacheBoxes } from './boxes/cache.boxes';
import { evidenceBoxes } from './boxes/evidence.boxes';
import { indexBoxes } from './boxes/indexes.boxes';
import { observationBoxes } from './boxes/observation.boxes';
import { planBoxes } from './boxes/plans.boxes';
import { poolBoxes } from './boxes/pool.boxes';
import { requestBoxes } from './boxes/requests.boxes';
import { timeoutBoxes } from './boxes/timeouts.boxes';
import { upkeepBoxes } from './boxes/upkeep.boxes';

/** Every box of both guides, by its name. */
export const BOXES: readonly Box[] = [
  ...indexBoxes,
  ...planBoxes,
  ...cacheBoxes,
  ...observationBoxes,
  ...poolBoxes,
  ...evidenceBoxes,
  ...requestBoxes,
  ...upkeepBoxes,
  ...timeoutBoxes,
];
