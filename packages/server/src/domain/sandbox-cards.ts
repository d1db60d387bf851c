/**
 * The test cards that the schemes and others publish, and what becomes of them. They are no cards:
 * most fail the Luhn check, all are printed in public documentation.
 *
 * @module
 */
import { luhnResidue } from '@pantoken/pan-token';
import type { ValidationStatus } from './validation.ts';

export interface SandboxUpdate {
  readonly status: ValidationStatus;
  /** `A` */
  readonly newNumber?: string;
  /** `A` and `E`: YYYYMM. */
  readonly newExpiry?: string;
}

const NEW_EXPIRY = '203112';

/** Visa's own sandbox set, segment 2, merchant 00000067625P; and one that opted out. */
export const VISA_SANDBOX: Readonly<Record<string, SandboxUpdate>> = {
  '4327390068355738': { status: 'A', newNumber: '4327390068355746', newExpiry: NEW_EXPIRY },
  '4680056031099387': { status: 'E', newExpiry: NEW_EXPIRY },
  '4207670264522669': { status: 'V' },
  '4403933787254356': { status: 'C' },
  '4000220720915104': { status: 'Q' },
  '4929423647273009': { status: 'P' },
  '4549612182636736': { status: 'N' },
  '4035501000000008': { status: 'O' },
};

/** Basis Theory's public sandbox, December 2023. All of them pass Luhn. */
export const PUBLIC_SANDBOX: Readonly<Record<string, SandboxUpdate>> = {
  '4111111111111111': { status: 'A', newNumber: '4166676667666746', newExpiry: NEW_EXPIRY },
  '5555555555554444': { status: 'A', newNumber: '5454545454545454', newExpiry: NEW_EXPIRY },
  '5105105105105100': { status: 'A', newNumber: '5233580618829955', newExpiry: '202612' },
  '4539097887163333': { status: 'E', newExpiry: '202612' },
  '5325191087030619': { status: 'E', newExpiry: '202612' },
  '4711358892785746': { status: 'V' },
  '5412000000001009': { status: 'V' },
  '4929980395567582': { status: 'Q' },
  '4929544240318920': { status: 'N' },
  '5580422612666704': { status: 'N' },
  '4916725297925395': { status: 'P' },
  '5461310156953048': { status: 'C' },
  '4035501000000008': { status: 'O' },
};

/** What Mastercard's sandbox says of a number, by its last digit; 6 is an error and 8 a time-out. */
export type MastercardSandboxAnswer =
  | 'ACCOUNT_UPDATE'
  | 'NON_PARTICIPATING'
  | 'VALID'
  | 'CONTACT'
  | 'EXPIRY'
  | 'UNKNOWN'
  | 'ERROR'
  | 'TIMEOUT';

const BY_LAST_DIGIT: readonly MastercardSandboxAnswer[] = [
  ...(['ACCOUNT_UPDATE', 'NON_PARTICIPATING', 'VALID', 'ACCOUNT_UPDATE', 'CONTACT'] as const),
  ...(['EXPIRY', 'ERROR', 'UNKNOWN', 'TIMEOUT', 'VALID'] as const),
];

/** @param digits of a card number. */
export function mastercardSandboxAnswer(digits: string): MastercardSandboxAnswer {
  return BY_LAST_DIGIT[Number(digits.at(-1))] ?? 'UNKNOWN';
}

/** Another number of the same BIN, always the same for the same one, that passes Luhn. */
export function replacementOf(digits: string): string {
  const account = [...digits.slice(6, -1)].map((digit) => (Number(digit) + 3) % 10).join('');
  const body = digits.slice(0, 6) + account;
  return `${body}${(10 - luhnResidue(`${body}0`)) % 10}`;
}

/** The expiry that every sandbox card gets that is replaced or renewed, YYYYMM. */
export const SANDBOX_NEW_EXPIRY = NEW_EXPIRY;
