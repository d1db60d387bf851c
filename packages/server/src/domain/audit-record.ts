import type { RefusalCode } from './error.ts';
import type { OrganizationNumber } from './organization-number.ts';

export type AuditAction =
  | 'create_card'
  | 'inquire_token'
  | 'inquire_number'
  | 'reissue_card'
  | 'renew_card'
  | 'card_action' // a request refused before it was known which action it asks for
  | 'validate_pan'
  | 'change_account'
  | 'create_service'
  | 'add_organization'
  | 'add_caller'
  | 'add_merchant'
  | 'rotate_caller'
  | 'disable_caller'
  | 'change_caller_keys'
  | 'disable_merchant'
  | 'add_zone_key';

/**
 * Who did what to which card, and what came of it. Durable before the answer leaves. It never holds
 * a card number: a token, or the masked number where there is no token.
 */
export interface AuditRecord {
  readonly atMs: number;
  /** `caller:<id>`, `merchant:<id>` or `operator`. */
  readonly who: string;
  readonly action: AuditAction;
  /** `failed`: a bug; nothing was answered, and what was done is not known. */
  readonly outcome: 'done' | 'refused' | 'failed';
  /** Why it was refused. */
  readonly code?: RefusalCode;
  readonly organization?: OrganizationNumber;
  readonly token?: string;
  readonly maskedNumber?: string;
  /** The letter a validation was answered with. */
  readonly status?: string;
  /** The id of the answer, as in its `x-request-id` header and in the log. */
  readonly requestId: string;
}
