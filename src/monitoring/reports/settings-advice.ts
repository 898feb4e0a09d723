import { formatBytes } from '../../common/figures';
import type { Severity } from './report';
import type { ServerMachine } from './server-machine';

/** A setting as a new session of this database gets it. */
export interface Setting {
  readonly name: string;
  /** As PostgreSQL writes it: `128MB`. */
  readonly shown: string;
  /** Bytes or milliseconds for what has a unit, else the number; NaN for words. */
  readonly amount: number;
}

/** What advice is made from. */
export interface Circumstances {
  readonly setting: (name: string) => Setting;
  /** Undefined where PostgreSQL runs on another machine. */
  readonly machine: ServerMachine | undefined;
  readonly checkpoints: { readonly timed: number; readonly requested: number };
}

/** What a setting should be; without a severity it is well as it is. */
export interface Verdict {
  readonly advice: string;
  readonly severity?: Severity | undefined;
}

export interface Advice {
  readonly name: string;
  readonly why: string;
  /** @returns undefined where the machine has to be known and is not */
  judge(circumstances: Circumstances): Verdict | undefined;
}

const MB = 1024 ** 2;
const GB = 1024 ** 3;
const MINUTE_MS = 60_000;
/** Below it the pages of memory need not be huge. */
const MUCH_SHARED = 8 * GB;
/** As few checkpoints tell nothing. */
const SOME_CHECKPOINTS = 10;

const verdict = (advice: string, severity: Severity, isWell: boolean): Verdict =>
  isWell ? { advice } : { advice, severity };
const between = (amount: number, least: number, most: number): boolean => amount >= least && amount <= most;
/** A size as ALTER SYSTEM takes it, in whole megabytes or, from ten on, gigabytes. */
const size = (bytes: number): string =>
  bytes >= 10 * GB ? `${Math.round(bytes / GB)}GB` : `${Math.max(1, Math.round(bytes / MB))}MB`;

const mustBe = (name: string, wanted: string, severity: Severity, why: string): Advice => ({
  name,
  why,
  judge: ({ setting }) => verdict(wanted, severity, setting(name).shown === wanted),
});

/** Of the machine's memory and cores; shares by chapter 19.4 of PostgreSQL's manual. */
const OF_THE_MACHINE: readonly Advice[] = [
  {
    name: 'shared_buffers',
    why: 'a quarter of the memory is a good start, and more than 40 % seldom helps: the rest caches files',
    judge: ({ machine, setting }) =>
      machine &&
      verdict(
        size(machine.memory / 4),
        'info',
        between(setting('shared_buffers').amount, 0.15 * machine.memory, 0.4 * machine.memory),
      ),
  },
  {
    name: 'effective_cache_size',
    why: 'what the planner believes to be cached by PostgreSQL and the system: too little keeps it from indexes',
    judge: ({ machine, setting }) =>
      machine &&
      verdict(
        size(0.75 * machine.memory),
        'info',
        between(setting('effective_cache_size').amount, machine.memory / 2, 0.9 * machine.memory),
      ),
  },
  {
    name: 'work_mem',
    why: 'every sort and hash of every connection may take as much; too little writes temporary files',
    judge: ({ machine, setting }) => {
      if (machine === undefined) return undefined;
      const free = machine.memory - setting('shared_buffers').amount;
      const connections = setting('max_connections').amount;
      const advice = size(Math.min(64 * MB, Math.max(4 * MB, free / (4 * connections))));
      const { amount } = setting('work_mem');
      if (amount * connections > free) return { advice, severity: 'warn' };
      return verdict(advice, 'info', amount >= 4 * MB);
    },
  },
  {
    name: 'maintenance_work_mem',
    why: 'for VACUUM and index builds: each autovacuum worker may take as much',
    judge: ({ machine, setting }) => {
      if (machine === undefined) return undefined;
      const best = Math.min(GB, machine.memory / 16);
      const { amount } = setting('maintenance_work_mem');
      const workers = setting('autovacuum_max_workers').amount;
      const isWell = amount >= best / 4 && amount * workers <= machine.memory / 4;
      return verdict(size(best), 'info', isWell);
    },
  },
  {
    name: 'max_parallel_workers',
    why: 'more processes for parallel queries than cores only wait for one another',
    judge: ({ machine, setting }) =>
      machine &&
      verdict(String(machine.cores), 'info', setting('max_parallel_workers').amount <= machine.cores),
  },
  {
    name: 'huge_pages',
    why: `from ${formatBytes(MUCH_SHARED)} of shared buffers on, small pages cost noticeable memory and time`,
    judge: ({ setting }) =>
      verdict(
        'try',
        'info',
        setting('huge_pages').shown !== 'off' || setting('shared_buffers').amount < MUCH_SHARED,
      ),
  },
];

const OF_THE_DISK: readonly Advice[] = [
  {
    name: 'random_page_cost',
    why: 'on solid-state disks any page costs as much as the next one: more keeps the planner from indexes',
    judge: ({ setting }) => verdict('1.1', 'info', setting('random_page_cost').amount <= 2),
  },
  {
    name: 'checkpoint_timeout',
    why: 'rarer checkpoints write less, as each page goes into the WAL whole once after each; recovery takes longer',
    judge: ({ setting }) =>
      verdict('15min', 'info', between(setting('checkpoint_timeout').amount, 10 * MINUTE_MS, 60 * MINUTE_MS)),
  },
  {
    name: 'max_wal_size',
    why: 'checkpoints should come by time; those that come because this is full write more at worse moments',
    judge: ({ setting, checkpoints: { timed, requested } }) => {
      const { amount } = setting('max_wal_size');
      const isFull = requested >= SOME_CHECKPOINTS && requested > timed;
      if (isFull) return { advice: size(2 * amount), severity: 'warn' };
      return verdict('2GB', 'info', amount >= 2 * GB);
    },
  },
  mustBe('fsync', 'on', 'critical', 'without it a crash of the machine destroys the database'),
  mustBe(
    'full_page_writes',
    'on',
    'critical',
    'without it a crash in the middle of a page destroys the page',
  ),
];

const OF_OBSERVATION: readonly Advice[] = [
  mustBe(
    'track_io_timing',
    'on',
    'info',
    'tells reading from reckoning in slow-queries and plans; it costs next to nothing',
  ),
  {
    name: 'log_min_duration_statement',
    why: 'statements of everybody that take longer are logged, with their values; this application logs its own by DB_SLOW_QUERY_MS, without',
    judge: ({ setting }) => verdict('1s', 'info', setting('log_min_duration_statement').amount >= 100),
  },
];

const OF_LIMITS: readonly Advice[] = [
  {
    name: 'statement_timeout',
    why: 'connections of this application set DB_STATEMENT_TIMEOUT_MS; here it would end backups and index builds too: set it for the roles of people by ALTER ROLE',
    judge: ({ setting }) => {
      const { amount } = setting('statement_timeout');
      return verdict('0', 'info', amount === 0 || amount >= MINUTE_MS);
    },
  },
  {
    name: 'idle_in_transaction_session_timeout',
    why: 'connections of this application set a minute; without it anybody else may hold locks and dead rows for ever',
    judge: ({ setting }) =>
      verdict('10min', 'info', setting('idle_in_transaction_session_timeout').amount > 0),
  },
  mustBe('autovacuum', 'on', 'critical', 'dead rows and transaction numbers are cleaned up by it alone'),
  mustBe('track_counts', 'on', 'critical', 'autovacuum and these reports live on the counts'),
  mustBe('jit', 'off', 'info', 'compiling a short query costs more than it saves'),
];

/** All advice, in the order in which it is listed. */
export const ADVICE: readonly Advice[] = [...OF_THE_MACHINE, ...OF_THE_DISK, ...OF_OBSERVATION, ...OF_LIMITS];
/** What advice looks at beside the settings that it is about. */
export const LOOKED_AT = ['max_connections', 'autovacuum_max_workers', 'shared_preload_libraries'];
