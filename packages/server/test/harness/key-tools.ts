import { setTimeout as wait } from 'node:timers/promises';
import type { KeyTools } from '../../src/cli/key-tools.ts';
import type { OrganizationNumber } from '../../src/domain/organization-number.ts';
import type { RecordId } from '../../src/domain/record-id.ts';
import { type KeyToolsSurroundings, openKeyTools } from '../../src/key-tools.ts';
import { makeLog } from '../../src/log.ts';
import { openHome, systemClock } from '../../src/opened-home.ts';
import type { StorePlace } from '../../src/store/place.ts';
import type { TestService } from './service.ts';

export const KEY_OPERATOR = { who: 'operator', requestId: 'keys' as RecordId } as const;

/** A log that nobody reads. */
export const QUIET = makeLog('error', { write: () => undefined });

/** The database and the keys of a home, as the service has them. */
export const openTestHome = (home: string, database?: StorePlace) =>
  openHome(home, QUIET, systemClock, { database });

export const NO_REPORT = () => undefined;

const DAY_MS = 86_400_000;

/** The commands of keys on the database of a service that runs, and their own clock. */
export async function withKeyTools<T>(
  test: Pick<TestService, 'home'>,
  work: (tools: KeyTools) => Promise<T>,
  surroundings: KeyToolsSurroundings = {},
): Promise<T> {
  const tools = await openKeyTools(test.home, QUIET, {}, surroundings);
  try {
    return await work(tools);
  } finally {
    await tools.end();
  }
}

/** The clock of who waited so many days. */
export function inDays(days: number): KeyToolsSurroundings {
  return { clock: { nowMs: () => Date.now() + days * DAY_MS } };
}

/** Waits until something is so; a node notices what others did in its own time. */
export async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (await isSo()) return;
    await wait(50);
  }
  throw new Error('it did not come to be within ten seconds');
}

/** Rotates, and waits until the service makes tokens of the new epoch. */
export async function rotate(
  test: TestService,
  organization: number,
  markOf: (token: string) => string,
): Promise<number> {
  const number = organization as OrganizationNumber;
  const before = markOf(await newToken(test, organization));
  // With one node there is nobody to wait for.
  const atOnce = { pause: async () => undefined };
  const { epoch } = await withKeyTools(test, (tools) => tools.rotate(KEY_OPERATOR, number), atOnce);
  await until(async () => markOf(await newToken(test, organization)) !== before);
  return epoch;
}

/** The token of a new card, without the zeros of its field. */
export async function newToken(test: TestService, organization: number): Promise<string> {
  const { data } = await test.issuer.create({ organizationNumber: organization });
  return data.cardNumber.replace(/^0+/, '');
}
