import type { Provider } from '@nestjs/common';
import { ActionRunner } from './action-runner';
import { ActionTrail } from './action-trail';
import { ActionsService } from './actions.service';
import { BackendsService } from './backends.service';
import { ExplainService } from './explain.service';

/** What admins may do to the database by hand. */
export const actions: Provider[] = [
  ActionTrail,
  ActionRunner,
  ActionsService,
  BackendsService,
  ExplainService,
];
