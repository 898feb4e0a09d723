import { sqlState } from '../../../database/query-events';
import { RELEASE } from '../../../config/release';
import { latestEvidence, type KnownEvidence } from '../evidence';
import { fail, pass, warn, type Box, type Verdict } from '../box';
import type { EvidenceKind } from '../performance-evidence.entity';
import type { Sight } from '../sight';
import { SqlState } from '../../../database/sql-states';

/** A quarter: data has grown since, and so has the code. */
const OLD_DAYS = 90;
const MOST_NAMED = 3;

/** What a release may have changed enough to be measured again: `1.4` of `1.4.2`. */
const minorOf = (release: string): string => release.split('.').slice(0, 2).join('.');

const how = ({ source, takenAt, release }: KnownEvidence): string =>
  `npm run ${source} measured ${release} on ${takenAt.toISOString().slice(0, 10)}`;

function judgeOne(known: KnownEvidence): Verdict {
  const { source, release, missed, ageDays } = known;
  const again = `Measure again: npm run ${source} -- --help`;
  if (missed.length > 0) {
    const named = missed.slice(0, MOST_NAMED).join('; ');
    const more = missed.length > MOST_NAMED ? `; and ${missed.length - MOST_NAMED} more` : '';
    return fail(`${how(known)}: ${named}${more}`, again);
  }
  if (minorOf(release) !== minorOf(RELEASE)) return warn(`${how(known)}, and this is ${RELEASE}`, again);
  if (ageDays > OLD_DAYS) return warn(`${how(known)}, ${Math.floor(ageDays)} days ago`, again);
  return pass(`${how(known)}, and it kept all that is promised`);
}

const URGENCY = { fail: 0, warn: 1, pass: 2 } as const;

/** Each command's latest; the worst of them is the box's. */
async function judge({ source }: Sight, kind: EvidenceKind, howTo: string): Promise<Verdict> {
  const known = await evidenceOf(source, kind);
  const [worst] = known.map(judgeOne).sort((a, b) => URGENCY[a.status] - URGENCY[b.status]);
  return worst ?? fail('none is recorded in this database', howTo);
}

async function evidenceOf(source: Sight['source'], kind: EvidenceKind): Promise<KnownEvidence[]> {
  try {
    return await latestEvidence(source, kind);
  } catch (error) {
    if (sqlState(error) === SqlState.UNDEFINED_TABLE) return [];
    throw error;
  }
}

const loadTested: Box = {
  box: 'Load testing performed',
  guide: 'Performance Optimization Guide',
  judge: (sight) => judge(sight, 'load-test', 'Run npm run bench:http, which records what it measures'),
};

const benchmarked: Box = {
  box: 'Performance benchmarks established',
  guide: 'Performance Optimization Guide',
  judge: (sight) =>
    judge(
      sight,
      'benchmark',
      'Run npm run bench:cache -- --record, or npm run bench:queries -- --record, which takes longer',
    ),
};

export const evidenceBoxes: readonly Box[] = [loadTested, benchmarked];
