import { type DestinationStream, type LogFn, type Logger, pino } from 'pino';
import type { LogLevel } from './config.ts';
import { describeError, isPlainName, maskText } from './log-text.ts';

/**
 * The fields a line may have beside `level`, `time` and `msg`, and what each may hold. Whatever else is
 * handed to the log is not written; nor is a value that is not of this form.
 */
const FIELDS: Readonly<Record<string, (value: unknown) => unknown>> = {
  alarm: nameOf,
  code: nameOrCountOf,
  signal: nameOf,
  requestId: idOf,
  responseTime: countOf,
  counts: countsOf,
  facts: factsOf,
  err: describeError,
};

/**
 * The log of the service: JSON lines with the fields of {@link FIELDS} and no other. Texts, those of
 * errors among them, have every word taken out that could be part of a number, key or token.
 */
export function makeLog(level: LogLevel, destination: DestinationStream): Logger {
  const log = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { log: allowedFields },
      // A disk that is full must cost log lines, not answers.
      hooks: { logMethod: logOrDrop },
      // What a library would make of these fields; ours are made already.
      serializers: { err: (made: unknown) => made, req: () => undefined, res: () => undefined },
    },
    destination,
  );
  // Fields of a child are written without being looked at: it has none.
  return Object.assign(log, { child: () => log, setBindings: () => undefined });
}

function allowedFields(given: object): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const [name, take] of Object.entries(FIELDS)) {
    // A getter of somebody else's may throw.
    const value = Object.getOwnPropertyDescriptor(given, name)?.value;
    const taken = value === undefined ? undefined : take(value);
    if (taken !== undefined) fields[name] = taken;
  }
  return fields;
}

function logOrDrop(this: Logger, args: Parameters<LogFn>, method: LogFn): void {
  try {
    const [first, second] = args as readonly unknown[];
    // Fields and a text, or a text: nothing is put into it. An error by itself is a field.
    const fields = typeof first === 'object' && first !== null ? first : {};
    const text = typeof first === 'string' ? first : second;
    const all = fields instanceof Error ? { err: fields } : fields;
    Reflect.apply(method, this, [all, maskText(typeof text === 'string' ? text : '')]);
  } catch {
    // There is nowhere to say it.
  }
}

function nameOf(value: unknown): string | undefined {
  return typeof value === 'string' && isPlainName(value) ? value : undefined;
}

function countOf(value: unknown): number | undefined {
  // What is larger could be a card number.
  return typeof value === 'number' && Math.abs(value) < 1e9 ? value : undefined;
}

function nameOrCountOf(value: unknown): string | number | undefined {
  return nameOf(value) ?? countOf(value);
}

/** A UUID, or a word of our own such as `import`. */
function idOf(value: unknown): string | undefined {
  const isUuid =
    typeof value === 'string' && /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(value);
  return isUuid ? value : nameOf(value);
}

function countsOf(value: unknown): Record<string, number> | undefined {
  return fieldsOf(value, countOf);
}

/** Of alarms and refusals: names, counts, and ids of callers and chains. */
function factsOf(value: unknown): Record<string, unknown> | undefined {
  return fieldsOf(value, (fact) => {
    if (typeof fact === 'boolean') return fact;
    if (typeof fact === 'number') return countOf(fact);
    if (typeof fact !== 'string') return undefined;
    const isId = /^(?:(?:caller|merchant):)?(?:[0-9a-f]{16}|[0-9a-f]{32})$/.test(fact);
    return isId && !/^[0-9]+$/.test(fact) ? fact : maskText(fact);
  });
}

function fieldsOf<T>(
  value: unknown,
  take: (value: unknown) => T | undefined,
): Record<string, T> | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const taken = Object.entries(value).flatMap(([name, each]) => {
    const own = isPlainName(name) ? take(each) : undefined;
    return own === undefined ? [] : [[name, own] as const];
  });
  return Object.fromEntries(taken);
}
