import { formatCount, formatShare } from '../../../common/figures';
import { statementForm } from '../../../database/statement-fingerprint';
import { fail, judgedByServer, pass, warn, type Box, type Verdict } from '../box';
import { WATCHED_MS, type RouteRecord, type WatchedStatements } from '../statement-watch';

const GUIDE = 'Database Performance Optimization';
/** The largest page of the API has 200 rows; sums and searches behind it may look at more. */
const LARGE_PAGE = 1_000;
const NO_PAGE = 10_000;
/** A few different things of one kind are looked up one by one; a statement for each row of a list is N+1. */
const SOME_RUNS = 10;
const MANY_RUNS = 20;
/** TypeORM never names its statements; what is left to it must be the few that are seldom asked. */
const MOST_BY_NAME = 0.9;
const HALF_BY_NAME = 0.5;
const ENOUGH_TO_JUDGE = 100;
const MOST_CHARACTERS = 160;

const LATELY = `in the last ${(2 * WATCHED_MS) / 60_000} minutes at most`;
const NOTHING_SEEN = warn(
  'no request ran a statement lately',
  'Let it serve requests, such as those of npm run bench:http -- --url, and look again',
);
const NOT_WATCHED = warn(
  'statements were seen, but not which request they were for: the slow-query log is off, and with it what tells them apart',
  'Set DB_SLOW_QUERY_MS below DB_STATEMENT_TIMEOUT_MS',
);

const unseen = ({ prepared, unprepared }: WatchedStatements): Verdict =>
  prepared + unprepared === 0 ? NOTHING_SEEN : NOT_WATCHED;

const shown = (text: string): string => {
  const form = statementForm(text).text;
  return form.length > MOST_CHARACTERS ? `${form.slice(0, MOST_CHARACTERS - 1)}…` : form;
};

const pagination: Box = {
  box: 'Query pagination implemented',
  guide: GUIDE,
  judge: judgedByServer(({ statements }) => {
    if (!statements.requestsSeen) return unseen(statements);
    const [most] = statements.rows;
    if (most === undefined || most.figure <= LARGE_PAGE)
      return pass(`no statement gave a request more than ${rowsOf(most)} ${LATELY}`);
    const evidence = `${most.route} was given ${rowsOf(most)} by one statement: ${shown(most.text)}`;
    const remedy = 'Give the list a LIMIT and a cursor (src/common/cursor.ts), or sum up in PostgreSQL';
    return most.figure > NO_PAGE ? fail(evidence, remedy) : warn(evidence, remedy);
  }),
};

const rowsOf = (record: RouteRecord | undefined): string => `${formatCount(record?.figure ?? 0)} rows`;

const nPlusOne: Box = {
  box: 'N+1 queries eliminated',
  guide: GUIDE,
  judge: judgedByServer(({ statements }) => {
    if (!statements.requestsSeen) return unseen(statements);
    const [most] = statements.runs;
    if (most === undefined || most.figure < SOME_RUNS)
      return pass(`no request ran one statement more than ${times(most)} ${LATELY}`);
    const evidence = `${most.route} ran one statement ${times(most)} in a single request: ${shown(most.text)}`;
    const remedy = 'Ask for all rows at once, by a join or WHERE id = ANY ($1)';
    return most.figure >= MANY_RUNS ? fail(evidence, remedy) : warn(evidence, remedy);
  }),
};

const times = (record: RouteRecord | undefined): string =>
  record?.figure === 1 || record === undefined ? 'once' : `${formatCount(record.figure)} times`;

const prepared: Box = {
  box: 'Prepared statements used',
  guide: GUIDE,
  judge: judgedByServer(({ statements: { prepared: named, unprepared, mostUnprepared } }) => {
    const all = named + unprepared;
    if (all < ENOUGH_TO_JUDGE)
      return warn(
        `only ${formatCount(all)} statements ran ${LATELY}: too few to judge by`,
        NOTHING_SEEN.remedy ?? '',
      );
    const share = named / all;
    const evidence = `${formatShare(share)} of ${formatCount(all)} statements ran by name ${LATELY}`;
    if (share >= MOST_BY_NAME || mostUnprepared === undefined) return pass(evidence);
    const worst = `; most often without one, ${formatCount(mostUnprepared.runs)} times: ${shown(mostUnprepared.text)}`;
    const remedy =
      'Run what is asked often through DatabaseService.query or Transaction.query, which name it';
    return share < HALF_BY_NAME ? fail(evidence + worst, remedy) : warn(evidence + worst, remedy);
  }),
};

export const requestBoxes: readonly Box[] = [pagination, nPlusOne, prepared];
