import { Refusal } from '../domain/error.ts';
import type { Merchant } from '../domain/merchant.ts';
import type { Audited, RequestContext } from './audit-trail.ts';
import { demandMerchant, NOTIFICATION_BYTES_MAX } from './merchant-keys.ts';
import type { MessageCipher } from './message-cipher.ts';
import type { Directory, Random } from './ports.ts';
import type { NotificationSender } from './watch-ports.ts';

export interface SetNotificationDeps {
  readonly audited: Audited;
  readonly directory: Directory;
  readonly cipher: MessageCipher;
  readonly sender: NotificationSender;
  readonly random: Random;
}

export type SetNotification = (
  context: RequestContext,
  name: string,
  /** The URL undefined: the merchant is not notified any more. */
  given: { readonly url: string | undefined; readonly signed: boolean },
) => Promise<void>;

/**
 * Says where a merchant is told of changes. The URL is proved first: it is sent a challenge encrypted
 * to the merchant's key and has to answer 200 and `{ "challenge": "..." }` in clear, so that whoever
 * answers there holds the key.
 *
 * @throws {Refusal} `MERCHANT_NOT_FOUND`, `NOTIFICATION_URL_INVALID`, `NOTIFICATION_URL_UNPROVEN`,
 *   `MERCHANT_KEY_INVALID` when the merchant's key is too small for a notification
 */
export function makeSetNotification(deps: SetNotificationDeps): SetNotification {
  const { audited, directory } = deps;
  return async (context, name, { url, signed }) => {
    await audited(context, 'set_merchant_notification', async (trail) => {
      const merchant = demandMerchant(directory, name);
      const { id: merchantId } = merchant;
      trail.note({ merchantId });
      if (url !== undefined) await prove(deps, merchant, url, signed);
      const change = { kind: 'set_merchant_notification', merchantId, url, signed } as const;
      await trail.commit([change, { kind: 'count_directory_up' }]);
    });
    await directory.refresh();
  };
}

async function prove(
  { cipher, sender, random }: SetNotificationDeps,
  merchant: Merchant,
  url: string,
  notificationSigned: boolean,
): Promise<void> {
  if (!isNotificationUrl(url)) throw new Refusal('NOTIFICATION_URL_INVALID');
  const room = cipher.roomFor(merchant.publicKeyPem, merchant.algorithm);
  if ((room ?? 0) < NOTIFICATION_BYTES_MAX)
    throw new Refusal('MERCHANT_KEY_INVALID', { room: room ?? 0 });
  const challenge = Buffer.from(random.bytes(32)).toString('base64url');
  const encdata = await cipher.encryptFor(merchant, JSON.stringify({ challenge }));
  const to = { ...merchant, notificationUrl: url, notificationSigned };
  const message = { requestId: random.recordId(), body: JSON.stringify({ encdata }) };
  const reply = await sender.send(to, message);
  if (!reply.isDelivered || challengeIn(reply.body) !== challenge) {
    throw new Refusal('NOTIFICATION_URL_UNPROVEN', { outcome: reply.outcome });
  }
}

function isNotificationUrl(text: string): boolean {
  if (text.length > 500 || !URL.canParse(text)) return false;
  const { protocol, username, password, search, hash } = new URL(text);
  return protocol === 'https:' && [username, password, search, hash].every((each) => each === '');
}

function challengeIn(body: string | undefined): unknown {
  try {
    return JSON.parse(body ?? '').challenge;
  } catch {
    return undefined;
  }
}
