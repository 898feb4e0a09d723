import type { CatalogueIndex } from '../../src/database/indexes/index-catalogue';
import { PLAN_MODES, type Answer, type PlanMode } from './ask';
import { objections, type Evidence } from './proof';

const index: CatalogueIndex = {
  name: 'idx_orders_owner',
  table: 'orders',
  keys: ['owner'],
  include: [],
  where: undefined,
  using: 'btree',
  unique: false,
  with: {},
  serves: 'the orders of an owner',
  query: 'SELECT id FROM orders WHERE owner = :owner',
  sample: undefined,
};

const answer = (scan: string, buffers: number, rows = 5): Answer => ({
  rows,
  buffers,
  milliseconds: 1,
  plan: {
    'Execution Time': 1,
    Plan: {
      'Node Type': 'Index Scan',
      'Index Name': scan,
      'Actual Rows': rows,
      'Actual Loops': 1,
      'Shared Hit Blocks': buffers,
      'Shared Read Blocks': 0,
    },
  },
});

const both = (custom: Answer, generic = custom): Map<PlanMode, Answer> =>
  new Map(PLAN_MODES.map((mode, place) => [mode, place === 0 ? custom : generic]));

const evidence = (found: Partial<Evidence>): Evidence => ({
  index,
  names: new Set(['idx_orders_owner', 'orders_2026_01_owner_idx']),
  values: ['somebody'],
  withIt: both(answer('idx_orders_owner', 10)),
  without: both(answer('orders_pkey', 20)),
  repeatedBy: undefined,
  size: 8192,
  writeCost: undefined,
  ...found,
});

describe('the proof of an index', () => {
  it.each<[string, Partial<Evidence>]>([
    ['is taken and saves half of the pages', {}],
    ['is taken by its parts on partitions', { withIt: both(answer('orders_2026_01_owner_idx', 10)) }],
    [
      'keeps something unique, whatever it saves',
      {
        index: { ...index, name: 'orders_name', unique: true },
        names: new Set(['orders_name']),
        withIt: both(answer('orders_name', 10)),
        without: both(answer('orders_pkey', 10)),
      },
    ],
    ['was not asked about without it', { without: new Map() }],
  ])('stands when it %s', (_, found) => {
    expect(objections(evidence(found))).toEqual([]);
  });

  it.each<[string, RegExp, Partial<Evidence>]>([
    ['no row is in it', /no row is in it/, { values: undefined }],
    ['its question finds nothing', /finds nothing/, { withIt: both(answer('idx_orders_owner', 10, 0)) }],
    [
      'the plan for any value takes another one',
      /not taken with force_generic_plan, but Index Scan on orders_pkey/,
      { withIt: both(answer('idx_orders_owner', 1), answer('orders_pkey', 1)) },
    ],
    [
      'it saves less than half',
      /saves too little: 11 pages with it, 20 without/,
      { index: { ...index, unique: true }, withIt: both(answer('idx_orders_owner', 11)) },
    ],
    [
      'its worse plan saves too little',
      /saves too little: 11 pages/,
      { withIt: both(answer('idx_orders_owner', 2), answer('idx_orders_owner', 11)) },
    ],
    ['another one makes it superfluous', /other_index answers all/, { repeatedBy: 'other_index' }],
  ])('falls when %s', (_, reason, found) => {
    expect(objections(evidence(found))).toEqual([expect.stringMatching(reason)]);
  });
});
