import { type BudgetLimits, DEFAULT_LIMITS } from './domain/budget.ts';

/** What the environment says about the audit log, alarms and watching. */
export interface WatchConfig {
  /** What this node is called; undefined: as the machine. */
  readonly node: string | undefined;
  /** Undefined: in the home. */
  readonly checkpointFile: string | undefined;
  readonly checkpointUrl: string | undefined;
  readonly checkpointSeconds: number;
  readonly checkpointBlocks: number;
  readonly alarmUrl: string | undefined;
  /** Where health and metrics are shown; undefined: nowhere. */
  readonly watchPort: number | undefined;
  readonly watchHost: string;
  /** An OpenTelemetry collector; undefined: nothing is traced. */
  readonly traceUrl: string | undefined;
  readonly tracePercent: number;
  readonly requestsPerMinute: number;
  readonly budgetLimits: BudgetLimits;
}

export const WATCH_VARIABLES = [
  'PANTOKEN_NODE',
  'PANTOKEN_AUDIT_CHECKPOINT_FILE',
  'PANTOKEN_AUDIT_CHECKPOINT_URL',
  'PANTOKEN_AUDIT_CHECKPOINT_SECONDS',
  'PANTOKEN_AUDIT_CHECKPOINT_BLOCKS',
  'PANTOKEN_ALARM_URL',
  'PANTOKEN_TRACE_URL',
  'PANTOKEN_TRACE_PERCENT',
  'PANTOKEN_WATCH_PORT',
  'PANTOKEN_WATCH_HOST',
  'PANTOKEN_REQUESTS_PER_MINUTE',
  'PANTOKEN_BUDGET_HOUR',
  'PANTOKEN_BUDGET_DAY',
  'PANTOKEN_BUDGET_BOOK_HOUR',
  'PANTOKEN_BUDGET_BOOK_DAY',
];

type Environment = Readonly<Record<string, string | undefined>>;

/** @param problems takes what is wrong, by the name of the variable and without its value. */
export function parseWatch(env: Environment, problems: string[]): WatchConfig {
  const node = env.PANTOKEN_NODE;
  if (node !== undefined && !/^[A-Za-z0-9._-]{1,64}$/.test(node)) {
    problems.push('PANTOKEN_NODE is not 1 to 64 letters, digits, dots, underscores and hyphens');
  }
  return {
    node,
    checkpointFile: parsePath(env, 'PANTOKEN_AUDIT_CHECKPOINT_FILE', problems),
    checkpointUrl: parseUrl(env, 'PANTOKEN_AUDIT_CHECKPOINT_URL', problems),
    checkpointSeconds: parseCount(env, 'PANTOKEN_AUDIT_CHECKPOINT_SECONDS', 60, problems),
    checkpointBlocks: parseCount(env, 'PANTOKEN_AUDIT_CHECKPOINT_BLOCKS', 1_000, problems),
    alarmUrl: parseUrl(env, 'PANTOKEN_ALARM_URL', problems),
    traceUrl: parseUrl(env, 'PANTOKEN_TRACE_URL', problems),
    tracePercent: parsePercent(env, problems),
    watchPort: parseWatchPort(env, problems),
    watchHost: env.PANTOKEN_WATCH_HOST ?? '127.0.0.1',
    requestsPerMinute: parseCount(env, 'PANTOKEN_REQUESTS_PER_MINUTE', 600_000, problems),
    budgetLimits: parseBudgets(env, problems),
  };
}

function parseBudgets(env: Environment, problems: string[]): BudgetLimits {
  const { total, book } = DEFAULT_LIMITS;
  const count = (name: string, fallback: number) => parseCount(env, name, fallback, problems);
  return {
    ...DEFAULT_LIMITS,
    total: {
      hour: count('PANTOKEN_BUDGET_HOUR', total.hour),
      day: count('PANTOKEN_BUDGET_DAY', total.day),
    },
    book: {
      hour: count('PANTOKEN_BUDGET_BOOK_HOUR', book.hour),
      day: count('PANTOKEN_BUDGET_BOOK_DAY', book.day),
    },
  };
}

function parseWatchPort(env: Environment, problems: string[]): number | undefined {
  const text = env.PANTOKEN_WATCH_PORT;
  if (text === undefined) return undefined;
  const port = /^[0-9]{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535) problems.push('PANTOKEN_WATCH_PORT is not from 1 to 65535');
  return port;
}

function parsePercent(env: Environment, problems: string[]): number {
  const percent = parseCount(env, 'PANTOKEN_TRACE_PERCENT', 100, problems);
  if (percent > 100) problems.push('PANTOKEN_TRACE_PERCENT is not from 1 to 100');
  return percent;
}

function parsePath(env: Environment, name: string, problems: string[]): string | undefined {
  if (env[name] === '') problems.push(`${name} is empty: name a file or leave it out`);
  return env[name];
}

/** Whether it may be called is decided where it is called. */
function parseUrl(env: Environment, name: string, problems: string[]): string | undefined {
  const text = env[name];
  if (text !== undefined && !/^https?:\/\/\S+$/.test(text)) {
    problems.push(`${name} is not a URL that begins with https://`);
  }
  return text;
}

/** 1 to 1,000,000,000 */
export function parseCount(
  env: Environment,
  name: string,
  fallback: number,
  problems: string[],
): number {
  const text = env[name];
  if (text === undefined) return fallback;
  if (!/^[1-9][0-9]{0,8}$/.test(text)) problems.push(`${name} is not a whole number of 1 or more`);
  return Number(text);
}
