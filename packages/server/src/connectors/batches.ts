import { Refusal } from '../domain/error.ts';
import type { AccountInquiry, InquiryOutcome } from '../usecase/account-update-source.ts';

/**
 * Cuts inquiries into calls: of one merchant each, since credentials are per merchant, and with no
 * number twice in one call, since answers are told apart by the number.
 *
 * @returns lists of indices into `inquiries`.
 */
export function cutIntoCalls(
  inquiries: readonly AccountInquiry[],
  inquiriesPerCall: number,
): readonly (readonly number[])[] {
  const calls: { merchantId: string; numbers: Set<string>; indices: number[] }[] = [];
  for (const [index, { merchant, number }] of inquiries.entries()) {
    const digits = number.reveal();
    let call = calls.findLast(
      ({ merchantId, numbers, indices }) =>
        merchantId === merchant.id && !numbers.has(digits) && indices.length < inquiriesPerCall,
    );
    if (call === undefined) {
      call = { merchantId: merchant.id, numbers: new Set(), indices: [] };
      calls.push(call);
    }
    call.numbers.add(digits);
    call.indices.push(index);
  }
  return calls.map(({ indices }) => indices);
}

/**
 * Asks in calls and puts the answers back in order. A call that is refused refuses its own inquiries
 * only.
 *
 * @param ask one outcome for each inquiry of a call, in order; rejects with a {@link Refusal}.
 */
export async function inCalls<T>(
  inquiries: readonly AccountInquiry[],
  inquiriesPerCall: number,
  ask: (call: readonly AccountInquiry[]) => Promise<readonly T[]>,
  refuse: (refusal: Refusal) => T,
): Promise<readonly T[]> {
  const outcomes = new Map<number, T>();
  await Promise.all(
    cutIntoCalls(inquiries, inquiriesPerCall).map(async (indices) => {
      const call = indices.map((index) => inquiries[index] as AccountInquiry);
      let answers: readonly T[];
      try {
        answers = await ask(call);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        answers = call.map(() => refuse(error));
      }
      for (const [place, index] of indices.entries()) outcomes.set(index, answers[place] as T);
    }),
  );
  return inquiries.map((_, index) => outcomes.get(index) as T);
}

/** Makes an outcome of what an answer is read to; what cannot be read is a refusal of this one. */
export function outcomeOf(read: () => InquiryOutcome): InquiryOutcome {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { refusal: error };
  }
}

/** Tells enrolments apart, whatever the order of their fields in a file. */
export function nameOfEnrolment(enrolment: object | undefined): string | undefined {
  return enrolment && JSON.stringify(Object.entries(enrolment).sort());
}
