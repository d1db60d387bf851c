import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { ORGANIZATIONS } from '../../src/cli/sandbox-plan.ts';
import type { Caller } from '../../src/domain/caller.ts';
import type { OrganizationNumber } from '../../src/domain/organization-number.ts';
import { Pan } from '../../src/domain/pan.ts';
import { makeLog } from '../../src/log.ts';
import type { OpenedHome } from '../../src/opened-home.ts';
import { createService } from '../../src/service.ts';
import { openDetails } from '../../src/usecase/card-details.ts';
import { findByNumber, findByToken } from '../../src/usecase/find-number.ts';
import { openTestHome } from './key-tools.ts';
import { operator } from './service.ts';
import { readRows } from './written-files.ts';

/** A card as its issuer remembers it. */
export interface KnownCard {
  readonly pan: string;
  /** What it was given when it was made. */
  readonly token: string;
}

/** A service that does not run, with cards in organization 100. */
export interface KeyHome {
  readonly home: string;
  readonly cards: readonly KnownCard[];
  /** A folder with a copy of it. */
  copy(): string;
}

export const KEY_ORGANIZATION = 100 as OrganizationNumber;

/** Makes a service with so many cards in one organization; it is gone when the file's tests end. */
export async function makeKeyHome(cardCount: number): Promise<KeyHome> {
  const folder = mkdtempSync(join(tmpdir(), 'pantoken-keys-'));
  after(() => rmSync(folder, { recursive: true }));
  const home = join(folder, 'service');
  const service = await createService(home, makeLog('error', { write: () => undefined }));
  const [first] = ORGANIZATIONS;
  assert(first);
  await service.register.addOrganization(operator, first.organization, first.ranges);
  const { caller } = await service.register.addCaller(operator, {
    name: 'issuer',
    clientId: '00970',
    pciCertified: true,
    organizations: new Set([KEY_ORGANIZATION]),
  });
  const made = Array.from({ length: cardCount }, (_, index) => addCard(service, caller, index));
  const cards = await Promise.all(made);
  await service.close();
  let copies = 0;
  return {
    home,
    cards,
    copy() {
      const copy = join(folder, `copy-${++copies}`);
      cpSync(home, copy, { recursive: true });
      return copy;
    },
  };
}

async function addCard(
  { createCard }: Pick<Awaited<ReturnType<typeof createService>>, 'createCard'>,
  caller: Caller,
  index: number,
): Promise<KnownCard> {
  const pan = Pan.withCheckDigit(`540208${String(index).padStart(9, '0')}`);
  const details = { accountNumber: String(index) };
  const request = { organization: KEY_ORGANIZATION, pan, sequence: 1, details };
  const { token } = await createCard(caller, request, 'made');
  return { pan: pan.reveal(), token };
}

const NO_TRAIL = {
  note: () => undefined,
  countSeen: () => undefined,
  spend: () => undefined,
  tripBait: () => undefined,
  commit: () => Promise.reject(new Error('nothing is written here')),
  demandCommit: () => Promise.reject(new Error('nothing is written here')),
};

/**
 * Every card is found by its number, by the token it was given first, and by the one it has now; it
 * gives its own number and details; and no token stands for two numbers.
 *
 * @returns how many cards have a token of each epoch.
 */
export async function demandAllReadable(
  home: string,
  known: readonly KnownCard[],
): Promise<ReadonlyMap<number, number>> {
  const opened = await openTestHome(home);
  const counts = new Map<number, number>();
  try {
    for (const [index, card] of known.entries()) {
      const epoch = await demandReadable(opened, card, String(index));
      counts.set(epoch, (counts.get(epoch) ?? 0) + 1);
    }
  } finally {
    await opened.close();
  }
  const [tokens] = readRows(
    home,
    `select count(*) as n, count(distinct epoch || token) as d from
       (select epoch, token from card_number union all select epoch, token from replaced_token)`,
  );
  assert.equal(tokens?.n, tokens?.d, 'a token is there twice');
  const [rows] = readRows(home, 'select count(*) as n from card_number');
  assert.equal(rows?.n, known.length);
  return counts;
}

async function demandReadable(
  opened: OpenedHome,
  { pan, token }: KnownCard,
  accountNumber: string,
): Promise<number> {
  const organization = opened.directory.findOrganization(KEY_ORGANIZATION);
  assert(organization);
  const byNumber = await findByNumber(opened, organization, Pan.parse(pan), NO_TRAIL);
  assert.equal(byNumber.pan.reveal(), pan);
  for (const each of new Set([token, byNumber.record.token])) {
    const byToken = await findByToken(opened, organization, each, NO_TRAIL);
    assert.equal(byToken.pan.reveal(), pan);
  }
  const [card] = await opened.cards.listCards(KEY_ORGANIZATION, byNumber.record.id);
  assert(card);
  assert.equal(openDetails(opened.keyring, byNumber.record, card).accountNumber, accountNumber);
  return byNumber.record.epoch;
}
