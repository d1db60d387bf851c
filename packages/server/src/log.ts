import { type DestinationStream, type LogFn, type Logger, pino } from 'pino';
import type { LogLevel } from './config.ts';

/** Digits in a row from here on could be part of a card number; ids and counts of ours are shorter. */
const DIGIT_RUN = /\d{9,}/g;

/**
 * The log of the service: JSON lines. Of an error it keeps the name, the stack and the code, with
 * long runs of digits taken out: an error of a library may quote what it choked on.
 */
export function makeLog(level: LogLevel, destination: DestinationStream): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      // A disk that is full must cost log lines, not answers.
      hooks: { logMethod: logOrDrop },
      serializers: { err: describeError, req: () => undefined, res: () => undefined },
    },
    destination,
  );
}

function logOrDrop(this: Logger, args: Parameters<LogFn>, method: LogFn): void {
  try {
    method.apply(this, args);
  } catch {
    // There is nowhere to say it.
  }
}

function describeError(error: unknown): Record<string, unknown> | undefined {
  if (!(error instanceof Error)) return undefined;
  const { name, stack, cause } = error;
  return {
    name,
    code: (error as NodeJS.ErrnoException).code,
    stack: stack?.replaceAll(DIGIT_RUN, '[digits]'),
    ...(cause !== undefined && { cause: describeError(cause) }),
  };
}
