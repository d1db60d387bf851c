import { type Expiry, monthOf, yearOf } from '../domain/expiry.ts';
import type { CardNumber } from '../domain/pan.ts';
import type { Scheme } from '../domain/scheme.ts';
import type { AccountUpdate } from './account-update-source.ts';

/** What a merchant asked about, and how it named the card. */
export interface AskedCard {
  readonly number: CardNumber;
  readonly expiry: Expiry;
  /** By a token it is answered with tokens, and no number is told. */
  readonly by: 'number' | 'token';
}

/**
 * An answer in Cardtokens' fields: of validatepan, and of a notification. What is not new is left out.
 *
 * @returns names of that API; the values are strings.
 */
export function updateFields(
  asked: AskedCard,
  update: AccountUpdate & { readonly scheme: Scheme },
): Readonly<Record<string, string>> {
  const { status, scheme, newNumber, newExpiry, onRecord } = update;
  const isToken = asked.by === 'token';
  const old = isToken ? { oldpantoken: onRecord?.token ?? '' } : { oldpan: asked.number.reveal() };
  const next = isToken ? onRecord?.newToken : newNumber?.reveal();
  return {
    status,
    scheme,
    ...old,
    oldexpmonth: monthOf(asked.expiry),
    oldexpyear: yearOf(asked.expiry),
    ...(next !== undefined && { [isToken ? 'newpantoken' : 'newpan']: next }),
    ...(newExpiry !== undefined && {
      newexpmonth: monthOf(newExpiry),
      newexpyear: yearOf(newExpiry),
    }),
  };
}
