import { Refusal, type RefusalCode } from '../domain/error.ts';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import { type AccountChangeMessage, parseAccountChange } from './account-change-message.ts';
import type { RequestContext } from './audit-trail.ts';
import type { AccountChangeOutcome, RecordAccountChange } from './record-account-change.ts';
import type { RecordRefusal } from './record-refusal.ts';

/** What became of one message of a batch. */
export type MessageResult =
  | { readonly reference: string; readonly status: AccountChangeOutcome }
  | {
      readonly reference: string;
      readonly status: 'refused';
      readonly code: RefusalCode;
      readonly title: string;
    };

export type RecordAccountChanges = (
  context: RequestContext,
  organization: OrganizationNumber,
  messages: readonly AccountChangeMessage[],
) => Promise<readonly MessageResult[]>;

/**
 * Records a batch, one message after the other, since a later one may build on an earlier one. A
 * message that is refused does not stop the others; the batch may be sent again as it was.
 *
 * @throws {Refusal} `REQUEST_REPLAYED`, or of kind `unavailable`: the rest of the batch was not looked at.
 */
export function makeRecordAccountChanges(
  record: RecordAccountChange,
  recordRefusal: RecordRefusal,
): RecordAccountChanges {
  return async (context, organization, messages) => {
    const results: MessageResult[] = [];
    for (const message of messages) {
      results.push(await recordOne({ record, recordRefusal }, context, organization, message));
    }
    return results;
  };
}

async function recordOne(
  deps: { readonly record: RecordAccountChange; readonly recordRefusal: RecordRefusal },
  context: RequestContext,
  organization: OrganizationNumber,
  message: AccountChangeMessage,
): Promise<MessageResult> {
  const { reference } = message;
  try {
    return {
      reference,
      status: await deps.record(context, parseAccountChange(organization, message)),
    };
  } catch (error) {
    if (!(error instanceof Refusal) || error.kind === 'unavailable') throw error;
    // The nonce is that of the whole batch: when it was used before, nothing of the batch is taken.
    if (error.code === 'REQUEST_REPLAYED') throw error;
    await deps.recordRefusal(context, 'change_account', error);
    return { reference, status: 'refused', code: error.code, title: error.message };
  }
}
