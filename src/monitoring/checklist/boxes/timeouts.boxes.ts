import { fail, pass, warn, type Box } from '../box';

/** No answer is worth waiting longer for. */
const LONG_MS = 60_000;
const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, min: 60_000, h: 3_600_000, d: 86_400_000 };

/** As SHOW writes it: `15s`, `0`. */
function millisecondsOf(shown: string): number {
  const [, amount = '0', unit = 'ms'] = /^(\d+)\s*([a-z]+)?$/.exec(shown) ?? [];
  return Number(amount) * (UNITS[unit] ?? 1);
}

const queryTimeout: Box = {
  box: 'Query timeout configured',
  guide: 'Database Performance Optimization',
  async judge(sight) {
    const shown = await sight.showSetting('statement_timeout');
    const idle = await sight.showSetting('idle_in_transaction_session_timeout');
    const limit = millisecondsOf(shown);
    const { DB_STATEMENT_TIMEOUT_MS: wanted } = sight.environment;
    const evidence = `statement_timeout is ${shown} on connections of the application`;
    const remedy = `DB_STATEMENT_TIMEOUT_MS asks for ${wanted} ms: look at ALTER ROLE … SET and ALTER DATABASE … SET, and behind PgBouncer at ignore_startup_parameters`;
    if (limit === 0) return fail(`${evidence}: a statement may run for ever`, remedy);
    if (limit !== wanted) return warn(`${evidence}, not ${wanted} ms`, remedy);
    if (millisecondsOf(idle) === 0)
      return warn(`${evidence}, but an idle transaction may hold its locks for ever`, remedy);
    if (limit > LONG_MS) return warn(evidence, 'Lower DB_STATEMENT_TIMEOUT_MS to what somebody waits for');
    return pass(`${evidence}, and a transaction may stand idle for ${idle}`);
  },
};

export const timeoutBoxes: readonly Box[] = [queryTimeout];
