const HOUR_MS = 60 * 60 * 1000;
const DAY_MS = 24 * HOUR_MS;

/** How the watchlist is gone through and notifications are repeated. */
export interface UpdaterSchedule {
  /** An entry is checked for the first time within so many hours. */
  readonly firstCheckHours: number;
  /** And again within so many days; the schemes ask for 180 at most. */
  readonly recheckDays: number;
  /** How often a notification is sent again that was not acknowledged. */
  readonly retriesMax: number;
  readonly retryMinutes: number;
}

export const DEFAULT_SCHEDULE: UpdaterSchedule = {
  firstCheckHours: 24,
  recheckDays: 30,
  retriesMax: 24,
  retryMinutes: 60,
};

/** @param share uniform in 0 to 1, drawn for this entry: entries spread evenly over the time. */
export function firstCheckAt(schedule: UpdaterSchedule, nowMs: number, share: number): number {
  return Math.floor(nowMs + share * schedule.firstCheckHours * HOUR_MS);
}

/** In the second half of the interval, so that what was added at once does not stay together. */
export function nextCheckAt(schedule: UpdaterSchedule, nowMs: number, share: number): number {
  return Math.floor(nowMs + (0.5 + share / 2) * schedule.recheckDays * DAY_MS);
}

/** After a check without an answer: a quarter of an hour, doubled each time, a day at most. */
export function checkAgainAt(nowMs: number, failureCount: number): number {
  return nowMs + Math.min(DAY_MS, (HOUR_MS / 4) * 2 ** Math.min(failureCount, 10));
}

export function nextAttemptAt(schedule: UpdaterSchedule, nowMs: number): number {
  return nowMs + schedule.retryMinutes * 60_000;
}
