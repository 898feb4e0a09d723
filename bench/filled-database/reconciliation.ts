import { anyOf, oneOf } from './randomness';
import type { TableFill } from './table-fill';

const DAYS = 400;
const CHECKS = ['settlement', 'metering', 'certificates', 'fees', 'payouts'];
const PURPOSE = `': what the meters of the members counted against what the grid operator billed, by the contract of ' || to_char(created_at, 'YYYY')`;

const projects: TableFill = {
  table: 'projects',
  with: ['organizations'],
  statements: (plan) => {
    const rows = plan.rows('projects');
    return [
      `CREATE TEMP TABLE the_projects AS
         SELECT p.no, (p.no::bigint * 2147483647) % ${rows} AS rank, pg_temp.id_of(p.created_at, p.no, 600) AS id, p.created_at, o.id AS organization_id
           FROM (SELECT no, pg_temp.moment(no, ${rows}, 700) AS created_at FROM generate_series(0, ${rows - 1}) AS no) p
           LEFT JOIN the_organizations o ON o.no = pg_temp.skewed(p.no, 601, ${plan.rows('organizations')}) AND p.no % 20 <> 0`,
      `INSERT INTO projects (id, organization_id, name, archived, created_at, updated_at)
         SELECT id, organization_id, ${anyOf('no', 602, CHECKS)} || ' ' || no || ${PURPOSE}, pg_temp.chance(no, 603) < 0.2, created_at, created_at
           FROM the_projects ORDER BY no`,
      'CREATE UNIQUE INDEX ON the_projects (rank)',
      'ANALYZE the_projects',
    ];
  },
};

/** Some data sets to each project, rows for the first of them. */
const datasets: TableFill = {
  table: 'datasets',
  with: ['projects', 'dataset_rows'],
  statements: (plan) => [
    `CREATE TEMP TABLE the_datasets AS
       SELECT n.no, pg_temp.id_of(p.created_at + interval '1 hour', n.no, 610) AS id, p.id AS project_id, p.created_at,
              CASE WHEN n.no < 40 THEN ${Math.ceil(plan.rows('dataset_rows') / 40)} ELSE 0 END AS row_count
         FROM generate_series(0, ${plan.rows('datasets') - 1}) AS n(no)
         JOIN the_projects p ON p.rank = n.no / 2 % ${plan.rows('projects')}`,
    `INSERT INTO datasets (id, project_id, name, side, row_count, created_at, updated_at)
       SELECT id, project_id, 'books ' || no, (ARRAY['left', 'right'])[1 + no % 2]::dataset_side, row_count, created_at, created_at
         FROM the_datasets ORDER BY no`,
  ],
};

const datasetRows: TableFill = {
  table: 'dataset_rows',
  with: ['datasets'],
  statements: (plan) => [
    `INSERT INTO dataset_rows (dataset_id, line, data, created_at)
       SELECT d.id, line, jsonb_build_object('reference', 'TX-' || line, 'amount', (pg_temp.draw(d.no * 1000000 + line, 611, 10000000))::text,
                                             'date', to_char(d.created_at, 'YYYY-MM-DD')), d.created_at
         FROM the_datasets d, generate_series(1, d.row_count) AS line WHERE d.row_count > 0 ORDER BY d.no, line LIMIT ${plan.rows('dataset_rows')}`,
  ],
};

const rules: TableFill = {
  table: 'reconciliation_rules',
  with: ['projects'],
  statements: (plan) => [
    `INSERT INTO reconciliation_rules (id, project_id, name, version, definition, created_at)
       SELECT pg_temp.id_of(p.created_at, n.no, 620), p.id, 'amounts', 1 + (n.no / ${plan.rows('projects')})::integer,
              '{"match": ["reference"], "compare": {"amount": {"tolerance": "0.010000"}}}', p.created_at
         FROM generate_series(0, ${plan.rows('reconciliation_rules') - 1}) AS n(no)
         JOIN the_projects p ON p.rank = n.no % ${plan.rows('projects')} ORDER BY n.no`,
  ],
};

/** Nearly all are over; what waits or runs began in the last days. */
const reconciliations: TableFill = {
  table: 'reconciliations',
  with: ['projects'],
  statements: (plan) => {
    const rows = plan.rows('reconciliations');
    return [
      `CREATE TEMP TABLE the_runs AS
         SELECT r.no, (r.no::bigint * 2147483647) % ${rows} AS rank, pg_temp.id_of(r.created_at, r.no, 630) AS id, p.id AS project_id, r.created_at,
                CASE WHEN r.created_at > pg_temp.present() - interval '10 days'
                     THEN ${oneOf('fate', { pending: 0.015, running: 0.003, failed: 0.006, cancelled: 0.004, completed: 0.972 })}
                     ELSE ${oneOf('fate', { failed: 0.006, cancelled: 0.004, completed: 0.99 })} END AS status
           FROM (SELECT no, pg_temp.moment(no, ${rows}, ${DAYS}) AS created_at, pg_temp.chance(no, 631) AS fate
                   FROM generate_series(0, ${rows - 1}) AS no) r
           LEFT JOIN the_projects p ON p.rank = pg_temp.skewed(r.no, 632, ${plan.rows('projects')}) AND r.no % 25 <> 0`,
      `INSERT INTO reconciliations (id, project_id, reference, amount, status, progress, metadata, rule_snapshot, started_at, finished_at,
                                    created_at, updated_at)
         SELECT id, project_id, CASE WHEN project_id IS NULL THEN 'energy' ELSE ${anyOf('no', 633, CHECKS)} || ' ' || to_char(created_at, 'YYYY-MM') END,
                pg_temp.draw(no, 634, 10000000000), status::reconciliation_status,
                CASE status WHEN 'completed' THEN 100 WHEN 'pending' THEN 0 ELSE pg_temp.draw(no, 635, 100) END,
                jsonb_build_object('unit', 'kWh', 'source', ${anyOf('no', 636, ['upload', 'schedule', 'api'])}, 'period', to_char(created_at, 'YYYY-MM'),
                                   'batch', 'B-' || pg_temp.draw(no, 637, ${Math.max(1, Math.round(rows / 20))})),
                CASE WHEN project_id IS NOT NULL THEN '{"match": ["reference"], "compare": {"amount": {"tolerance": "0.010000"}}}'::jsonb END,
                CASE WHEN status <> 'pending' THEN least(pg_temp.present(), created_at + interval '1 minute') END,
                CASE WHEN status NOT IN ('pending', 'running') THEN least(pg_temp.present(), created_at + interval '4 minutes') END, created_at,
                least(pg_temp.present(), created_at + interval '4 minutes')
           FROM the_runs ORDER BY no`,
      'CREATE UNIQUE INDEX ON the_runs (rank)',
      'ANALYZE the_runs',
    ];
  },
};

/** Some runs compared thousands of things, most a few. */
const items: TableFill = {
  table: 'reconciliation_items',
  with: ['reconciliations'],
  statements: (plan) => {
    const rows = plan.rows('reconciliation_items');
    return [
      `INSERT INTO reconciliation_items (reconciliation_id, id, reference, status, left_amount, right_amount, detail, created_at)
         SELECT run_id, pg_temp.id_of(created_at, no, 640), 'TX-' || no, status::reconciliation_item_status,
                CASE WHEN status <> 'missing_left' THEN amount END,
                CASE WHEN status <> 'missing_right' THEN amount + CASE status WHEN 'mismatched' THEN 17 ELSE 0 END END,
                CASE status WHEN 'mismatched' THEN '{"difference": "0.000017"}' ELSE '{}' END::jsonb, created_at
           FROM (SELECT n.no, r.id AS run_id, r.created_at, pg_temp.draw(n.no, 641, 100000000) AS amount,
                        CASE WHEN r.status = 'pending' THEN 'pending'
                             ELSE ${oneOf('pg_temp.chance(n.no, 642)', { mismatched: 0.004, missing_left: 0.001, missing_right: 0.001, matched: 0.994 })} END AS status
                   FROM generate_series(0, ${rows - 1}) AS n(no)
                   JOIN the_runs r ON r.rank = pg_temp.skewed(n.no, 643, ${plan.rows('reconciliations')}, 1)) i
          ORDER BY created_at, no`,
    ];
  },
};

const BREAK_TYPES = {
  REFUSED_REVISION: 0.005,
  READINGS_MINT_MISMATCH: 0.01,
  MINT_NOT_BOOKED: 0.085,
  UNMINTED_SURPLUS: 0.9,
};

const breaks: TableFill = {
  table: 'reconciliation_breaks',
  with: ['reconciliations'],
  statements: (plan) => [
    `INSERT INTO reconciliation_breaks (id, reconciliation_id, type, entity, entity_id, unit, expected, actual, difference, detail, status,
                                        created_at, updated_at)
       SELECT pg_temp.id_of(created_at, no, 650), run_id, ${oneOf('pg_temp.chance(no, 651)', BREAK_TYPES)}, 'mints', id::text, 'kWh', expected, actual, actual - expected,
              'The two sides differ', ${oneOf('pg_temp.chance(no, 652)', { open: 0.03, assigned: 0.01, proposed: 0.01, resolved: 0.95 }, 'reconciliation_break_status')},
              created_at, created_at
         FROM (SELECT n.no, r.id AS run_id, r.created_at, pg_temp.id_of(r.created_at, n.no, 653) AS id, pg_temp.draw(n.no, 654, 5000) AS expected,
                      pg_temp.draw(n.no, 655, 5000) AS actual
                 FROM generate_series(0, ${plan.rows('reconciliation_breaks') - 1}) AS n(no)
                 JOIN the_runs r ON r.rank = pg_temp.skewed(n.no, 656, ${plan.rows('reconciliations')}, 1)) b
        ORDER BY created_at, no`,
  ],
};

export const reconciliationFills: readonly TableFill[] = [
  projects,
  datasets,
  datasetRows,
  rules,
  reconciliations,
  items,
  breaks,
];
