import type {
  AccountInquiry,
  AccountUpdateSource,
  InquiryOutcome,
} from '../usecase/account-update-source.ts';

/**
 * Joins concurrent inquiries of one merchant for one card: whoever asks while an inquiry is under way
 * gets its answer. Nothing is kept once it has been answered.
 */
export function joinInquiries(source: AccountUpdateSource): AccountUpdateSource {
  const underWay = new Map<string, Promise<InquiryOutcome>>();

  return {
    ...source,
    async inquire(inquiries) {
      const keys = inquiries.map(keyOf);
      const fresh = inquiries.filter((_, index) => {
        const key = keys[index] ?? '';
        return keys.indexOf(key) === index && !underWay.has(key);
      });
      const answers = fresh.length === 0 ? undefined : source.inquire(fresh);
      for (const [index, inquiry] of fresh.entries()) {
        const key = keyOf(inquiry);
        const answer = (answers as Promise<readonly InquiryOutcome[]>).then(
          (outcomes) => outcomes[index] as InquiryOutcome,
        );
        underWay.set(key, answer);
        const forget = () => void underWay.delete(key);
        answer.then(forget, forget);
      }
      return Promise.all(keys.map((key) => underWay.get(key) as Promise<InquiryOutcome>));
    },
  };
}

/** In memory only, and for as long as the inquiry takes. */
function keyOf({ merchant, number, expiry }: AccountInquiry): string {
  return `${merchant.id} ${number.reveal()} ${expiry}`;
}
