import type { AccountChangeKind } from './account-change.ts';
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
  | 'delete_card'
  | 'set_retention'
  | 'copy_database'
  | 'move_database'
  | 'add_organization'
  | 'add_caller'
  | 'add_merchant'
  | 'rotate_caller'
  | 'disable_caller'
  | 'change_caller_keys'
  | 'disable_merchant'
  | 'add_zone_key'
  | 'add_watch'
  | 'end_watch'
  | 'wake_watch'
  | 'check_watch'
  | 'notify_merchant'
  | 'retry_notification'
  | 'set_merchant_key'
  | 'rotate_merchant'
  | 'set_merchant_notification'
  | 'set_merchant_terms'
  | 'open_keys'
  | 'add_key'
  | 'activate_key'
  | 'close_key'
  | 'destroy_key'
  | 'retokenize'
  | 'rewrap_key'
  | 'rekey'
  | 'import_key'
  | 'export_key'
  | 'back_up_key'
  | 'add_operator'
  | 'remove_operator'
  | 'ask_approval'
  | 'approve_command'
  | 'list_keys'
  | 'add_kek'
  | 'remove_kek'
  | 'select_kek'
  | 'accept_restore'
  | 'set_bait'
  | 'validate_card'
  | 'search_audit'
  | 'list_callers'
  | 'check_log' // written to see whether the log can be written again
  | 'request_lift'
  | 'approve_lift';

/** A part of an audit chain that checkpoints know and the log does not: what a restored backup lacks. */
export interface AuditLoss {
  /** The number of the chain. */
  readonly number: number;
  readonly chain: string;
  /** The last position the log still has; 0: not even its first block. */
  readonly keptPosition: number;
  /** The last position a checkpoint or a successor knows of. */
  readonly lostThrough: number;
}

/**
 * Who did what to which card, and what came of it. Durable before the answer leaves. It never holds
 * a card number: a token, or the masked number where there is no token.
 */
export interface AuditRecord {
  readonly atMs: number;
  /** `caller:<id>`, `merchant:<id>`, `operator`, or `updater` and `retention`: the service by itself. */
  readonly who: string;
  readonly action: AuditAction;
  /** `failed`: a bug; nothing was answered, and what was done is not known. */
  readonly outcome: 'done' | 'refused' | 'failed';
  /** Why it was refused. */
  readonly code?: RefusalCode;
  readonly organization?: OrganizationNumber;
  readonly token?: string;
  readonly maskedNumber?: string;
  /** The key it was about, or the command that waits for approval. */
  readonly key?: string;
  /** Which account change it was. */
  readonly change?: AccountChangeKind;
  /** The card is bait: somebody asked about it, or it was made bait or is no more. */
  readonly bait?: boolean;
  /** The letter a validation was answered with. */
  readonly status?: string;
  /** Which source a validation was answered from. */
  readonly source?: string;
  /** What the upstream called its refusal, or the letter of it that we do not know. */
  readonly upstreamCode?: string;
  /** The merchant it was about, and the watched card. */
  readonly merchantId?: string;
  readonly panid?: string;
  /** The caller that was made or changed; who did it is `who`. */
  readonly callerId?: string;
  /** `request_lift` and `approve_lift`: whose limits, how many times as high, until when. */
  readonly lift?: {
    readonly id: string;
    readonly who: string;
    readonly times: number;
    readonly untilMs: number;
  };
  /** `accept_restore`: what an operator accepts as lost. */
  readonly losses?: readonly AuditLoss[];
  /** The id of the answer, as in its `x-request-id` header and in the log. */
  readonly requestId: string;
}
