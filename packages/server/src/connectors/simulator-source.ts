import type { Expiry } from '../domain/expiry.ts';
import { CardNumber } from '../domain/pan.ts';
import { PUBLIC_SANDBOX, type SandboxUpdate, VISA_SANDBOX } from '../domain/sandbox-cards.ts';
import type { AccountUpdate, AccountUpdateSource } from '../usecase/account-update-source.ts';
import { NO_PUSHES } from '../usecase/subscribe-cards.ts';

/**
 * A source that answers for the published test cards, without a network: for those who want to see
 * every letter. Of any other card it knows nothing: `P`.
 */
export function makeSimulatorSource(): AccountUpdateSource {
  return {
    name: 'simulator',
    limits: { inquiriesPerCall: 100, callsAtOnce: 1 },
    inquire: async (inquiries) =>
      inquiries.map(({ number }) => {
        const digits = number.reveal();
        return { update: updateOf(PUBLIC_SANDBOX[digits] ?? VISA_SANDBOX[digits]) };
      }),
    ...NO_PUSHES,
  };
}

function updateOf(known: SandboxUpdate | undefined): AccountUpdate {
  const { status = 'P', newNumber, newExpiry } = known ?? {};
  return {
    status,
    ...(newNumber !== undefined && { newNumber: CardNumber.parseNumber(newNumber) }),
    ...(newExpiry !== undefined && { newExpiry: Number(newExpiry) as Expiry }),
  };
}
