/** What the audit trail says of an action: that it was asked for, and how it ended. */
export interface AuditedAction {
  readonly entity: string;
  readonly requested: string;
  readonly done: string;
  readonly failed: string;
}

const audited = (entity: string, verb: string, past: string): AuditedAction => ({
  entity,
  requested: `database.${entity}_${verb}_requested`,
  done: `database.${entity}_${past}`,
  failed: `database.${entity}_${verb}_failed`,
});

/** What admins may do to the database by hand. */
export const AUDITED_ACTIONS = {
  cancel: audited('backend', 'cancel', 'cancelled'),
  terminate: audited('backend', 'terminate', 'terminated'),
  explain: audited('statement', 'explain', 'explained'),
  analyze: audited('table', 'analyze', 'analyzed'),
  vacuum: audited('table', 'vacuum', 'vacuumed'),
  reindex: audited('index', 'reindex', 'reindexed'),
} as const;
