import assert from 'node:assert/strict';
import { Refusal } from '../domain/error.ts';
import type { CardNumber } from '../domain/pan.ts';
import { type Scheme, schemeOf } from '../domain/scheme.ts';
import type {
  AccountInquiry,
  AccountUpdateSource,
  InquiryOutcome,
} from './account-update-source.ts';
import type { Directory } from './ports.ts';

export interface AccountUpdates {
  /** One outcome for each inquiry, in their order, each from the source its card belongs to. */
  inquire(inquiries: readonly AccountInquiry[]): Promise<readonly InquiryOutcome[]>;
  /** @throws {Refusal} `SCHEME_UNSUPPORTED` */
  sourceOf(number: CardNumber): AccountUpdateSource;
  /** The source of a scheme; undefined where none is connected. */
  schemeSource(scheme: Scheme): AccountUpdateSource | undefined;
}

export interface RouteInquiriesDeps {
  readonly directory: Directory;
  readonly issuer: AccountUpdateSource;
  /** Those that are connected. */
  readonly schemes: Partial<Record<Scheme, AccountUpdateSource>>;
}

/**
 * Sends each card to who knows of it: our own ranges first, then its scheme. A card of a scheme that
 * is not connected is answered from our own records, which know no such BIN.
 */
export function makeAccountUpdates(deps: RouteInquiriesDeps): AccountUpdates {
  const { directory, issuer, schemes } = deps;

  function sourceOf(number: CardNumber): AccountUpdateSource {
    const scheme = schemeOf(number);
    if (scheme === undefined) throw new Refusal('SCHEME_UNSUPPORTED');
    if (directory.findBinRange(number) !== undefined) return issuer;
    return schemes[scheme] ?? issuer;
  }

  return {
    sourceOf,
    schemeSource: (scheme) => schemes[scheme],
    async inquire(inquiries) {
      const outcomes = new Map<AccountInquiry, InquiryOutcome>();
      const bySource = Map.groupBy(inquiries, ({ number }) => trySource(sourceOf, number));
      await Promise.all(
        [...bySource].map(async ([source, asked]) => {
          const answers = source === undefined ? [] : await source.inquire(asked);
          for (const [index, inquiry] of asked.entries()) {
            const answer =
              source === undefined
                ? { refusal: new Refusal('SCHEME_UNSUPPORTED') }
                : demand(answers[index]);
            outcomes.set(inquiry, answer);
          }
        }),
      );
      return inquiries.map((inquiry) => demand(outcomes.get(inquiry)));
    },
  };
}

function trySource(
  sourceOf: (number: CardNumber) => AccountUpdateSource,
  number: CardNumber,
): AccountUpdateSource | undefined {
  return schemeOf(number) === undefined ? undefined : sourceOf(number);
}

function demand(outcome: InquiryOutcome | undefined): InquiryOutcome {
  assert(outcome, 'a source left out an inquiry');
  return outcome;
}
