/**
 * Who may import whom. A folder may import those of its own rank and below, never above; what has to travel
 * upward is an event. Across domains only modules, services and events are shared.
 */
const RANKS = [
  ['common', 'config'],
  ['database', 'auth', 'http'],
  ['cache', 'jobs', 'mail'],
  ['audit'],
  ['monitoring', 'tracing'],
  ['users'],
  ['ledger', 'chain'],
  ['meters'],
  ['trading', 'marketplace', 'certificates'],
  ['reconciliation'],
  ['rate-limits'],
  ['api-documentation'],
];
const DOMAINS = [
  'users',
  'ledger',
  'chain',
  'meters',
  'trading',
  'marketplace',
  'certificates',
  'reconciliation',
];
const SHARED_BY_DOMAINS = '\\.(module|service|events|errors)\\.ts$|^src/ledger/transfer\\.ts$';

const folder = (names) => `^src/(${names.join('|')})/`;

const downwardOnly = RANKS.slice(0, -1).map((rank, index) => ({
  name: `${rank.join('-')}-imports-nothing-above`,
  comment: 'Imports go downward only: move the code down, or let an event carry it up.',
  severity: 'error',
  from: { path: folder(rank) },
  to: { path: folder(RANKS.slice(index + 1).flat()) },
}));

const betweenDomains = DOMAINS.map((domain) => ({
  name: `${domain}-by-its-services`,
  comment: 'Another domain is reached through its module, services and events, never through its entities.',
  severity: 'error',
  from: { path: folder(DOMAINS.filter((other) => other !== domain)) },
  to: { path: folder([domain]), pathNot: SHARED_BY_DOMAINS },
}));

const sameRankDomains = RANKS.filter((rank) => rank.length > 1 && DOMAINS.includes(rank[0])).flatMap((rank) =>
  rank.map((domain) => ({
    name: `${domain}-apart-from-its-neighbours`,
    comment: 'Domains of one rank do not know each other.',
    severity: 'error',
    from: { path: folder([domain]) },
    to: { path: folder(rank.filter((other) => other !== domain)) },
  })),
);

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...downwardOnly,
    ...betweenDomains,
    ...sameRankDomains,
    {
      name: 'no-circles',
      comment: 'Two files that import each other are one file, or one of them knows too much.',
      severity: 'error',
      from: { path: '^src/' },
      to: { circular: true },
    },
    {
      name: 'common-is-pure',
      comment: 'Units, errors and cursors work without Nest and without a database.',
      severity: 'error',
      from: { path: '^src/common/' },
      to: { path: 'node_modules/(@nestjs|typeorm|pg)/' },
    },
    {
      name: 'demo-is-a-client',
      comment: 'The demo drives the public API and is imported by nobody.',
      severity: 'error',
      from: { path: '^src/(?!demo/)' },
      to: { path: '^src/demo/' },
    },
    {
      name: 'demo-knows-no-server',
      severity: 'error',
      from: { path: '^src/demo/' },
      to: { path: '^src/(?!demo/|common/|config/)' },
    },
    {
      name: 'benchmarks-stay-outside',
      comment: 'Benchmarks and proofs drive the product; it runs without them.',
      severity: 'error',
      from: { path: '^(src|migrations)/' },
      to: { path: '^bench/' },
    },
    {
      name: 'no-unlisted-packages',
      severity: 'error',
      from: { path: '^(src|migrations)/' },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'unknown', 'undetermined'] },
    },
    {
      name: 'no-development-packages-in-the-product',
      severity: 'error',
      from: { path: '^(src|migrations)/', pathNot: '\\.spec\\.ts$' },
      to: {
        dependencyTypes: ['npm-dev'],
        dependencyTypesNot: ['type-only'],
        pathNot: 'node_modules/@types/',
      },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['require', 'node', 'default', 'types'],
    },
  },
};
