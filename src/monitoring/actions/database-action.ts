import { madeAt } from '../../common/id';
import { WORK_UNDER_WAY } from '../maintenance/owner-work';
import { AUDITED_ACTIONS, type AuditedAction } from './audited-actions';

/** What takes long, and is therefore done by a job. */
export const LONG_ACTIONS = ['analyze', 'vacuum', 'reindex'] as const;
export type LongAction = (typeof LONG_ACTIONS)[number];

/** Where an action stands: waiting for a process to take it, under way, or ended. */
export type ActionState = 'queued' | 'running' | 'done' | 'failed';

/** What came of an action, by name. */
type Figures = Readonly<Record<string, string | number | boolean | null | readonly string[]>>;

/** An action as its admin sees it. */
export interface ActionView {
  readonly id: string;
  readonly action: LongAction;
  /** The table or index. */
  readonly target: string;
  readonly state: ActionState;
  readonly requestedBy: string | null;
  readonly requestedAt: Date;
  readonly finishedAt: Date | null;
  /** Once it is done: figures such as durationMs; once it has failed: the reason. */
  readonly outcome: Figures | null;
}

/** A record of the audit trail that is about an action. */
export interface TrailRow {
  readonly action: string;
  readonly entity_id: string;
  readonly user_id: string | null;
  readonly organization_id: string | null;
  readonly request_id: string | null;
  readonly after: Figures & { readonly actionId: string };
  readonly created_at: Date;
}

export type Query = <Row>(text: string, values: readonly unknown[]) => Promise<Row[]>;

/** The name under which an action is worked at. */
export const workOf = (id: string): string => `database action ${id}`;

/** What was not finished by then nobody waits for any more: who still wants it asks again. */
export const PATIENCE_MS = 86_400_000;
/** Clocks of two processes may differ by that much. */
const SKEW_MS = 300_000;

const everyName = (of: (audited: AuditedAction) => string): string[] =>
  LONG_ACTIONS.map((action) => of(AUDITED_ACTIONS[action]));
const REQUESTS = everyName(({ requested }) => requested);
const OUTCOMES = [...everyName(({ done }) => done), ...everyName(({ failed }) => failed)];

/** By the index of actions: each of these is rare, and keys sort by time. */
const TRAIL = `
  SELECT action, entity_id, user_id, organization_id, request_id, after, created_at
    FROM audit_logs
   WHERE action = ANY ($1) AND id >= $2 AND created_at >= $3 AND ($4::text IS NULL OR after->>'actionId' = $4)
   ORDER BY id`;

/** Everything that the trail has of an action: its request, and its outcome once there is one. */
export function trailOf(query: Query, id: string): Promise<TrailRow[]> {
  return readTrail(query, madeAt(id), id);
}

/** The requests of the last day that have no outcome yet, the oldest first. */
export async function openRequests(query: Query): Promise<TrailRow[]> {
  const rows = await readTrail(query, new Date(Date.now() - PATIENCE_MS), null);
  const ended = new Set(rows.filter(isOutcome).map(({ after }) => after.actionId));
  return rows.filter((row) => isRequest(row) && !ended.has(row.after.actionId));
}

export const isRequest = ({ action }: TrailRow): boolean => REQUESTS.includes(action);
export const isOutcome = ({ action }: TrailRow): boolean => OUTCOMES.includes(action);

/** Which action a request is for. */
export const actionOf = ({ action }: TrailRow): LongAction | undefined =>
  LONG_ACTIONS.find((candidate) => AUDITED_ACTIONS[candidate].requested === action);

/** What is known of an action by its trail; undefined where nobody asked for it. */
export async function viewOf(query: Query, trail: readonly TrailRow[]): Promise<ActionView | undefined> {
  const request = trail.find(isRequest);
  const action = request && actionOf(request);
  if (request === undefined || action === undefined) return undefined;
  const outcome = trail.find(isOutcome);
  return {
    id: request.after.actionId,
    action,
    target: request.entity_id,
    requestedBy: request.user_id,
    requestedAt: request.created_at,
    finishedAt: outcome?.created_at ?? null,
    ...(outcome === undefined ? await unfinished(query, request) : ended(action, outcome)),
  };
}

type Standing = Pick<ActionView, 'state' | 'outcome'>;

function ended(action: LongAction, outcome: TrailRow): Standing {
  const { actionId: _, ...figures } = outcome.after;
  return { state: outcome.action === AUDITED_ACTIONS[action].done ? 'done' : 'failed', outcome: figures };
}

async function unfinished(query: Query, { after, created_at: requestedAt }: TrailRow): Promise<Standing> {
  const [work] = await query<{ held: boolean }>(WORK_UNDER_WAY, [workOf(after.actionId)]);
  if (work?.held === true) return { state: 'running', outcome: null };
  if (Date.now() - requestedAt.getTime() < PATIENCE_MS) return { state: 'queued', outcome: null };
  return { state: 'failed', outcome: { reason: 'It was not done within a day: ask for it again' } };
}

async function readTrail(query: Query, since: Date, id: string | null): Promise<TrailRow[]> {
  const from = new Date(since.getTime() - SKEW_MS);
  return query<TrailRow>(TRAIL, [[...REQUESTS, ...OUTCOMES], firstKeyAt(from), from, id]);
}

/** The smallest UUIDv7 of an instant. */
function firstKeyAt(instant: Date): string {
  const hex = Math.max(0, instant.getTime()).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`;
}
