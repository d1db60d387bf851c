import { Refusal } from '../domain/error.ts';
import type { Merchant, MessageAlgorithm } from '../domain/merchant.ts';
import type { Audited, RequestContext } from './audit-trail.ts';
import type { MessageCipher } from './message-cipher.ts';
import type { Change, Credentials, Directory } from './ports.ts';

export interface MerchantKeysDeps {
  readonly audited: Audited;
  readonly directory: Directory;
  readonly credentials: Credentials;
  readonly cipher: MessageCipher;
}

/** What a merchant is known by, and what its answers are encrypted with. */
export interface MerchantKeys {
  /**
   * Replaces the key and with it the algorithm; from now on everything is encrypted to the new one.
   *
   * @param publicKeyPem RSA, 2048 bits or more.
   * @throws {Refusal} `MERCHANT_NOT_FOUND`, `MERCHANT_KEY_INVALID`: also when a notification would
   *   not fit, for a merchant that is notified
   */
  replaceKey(
    context: RequestContext,
    name: string,
    key: { readonly publicKeyPem: string; readonly algorithm: MessageAlgorithm },
  ): Promise<void>;
  /** A new API key; the old one is not good any more. @throws {Refusal} `MERCHANT_NOT_FOUND` */
  rotateApiKey(context: RequestContext, name: string): Promise<{ apiKey: string }>;
}

/** The longest notification: all fields with tokens of 19, and a custom reference of 64 bytes. */
export const NOTIFICATION_BYTES_MAX = 314;

export function makeMerchantKeys(deps: MerchantKeysDeps): MerchantKeys {
  const { audited, directory, credentials, cipher } = deps;
  return {
    async replaceKey(context, name, { publicKeyPem, algorithm }) {
      await audited(context, 'set_merchant_key', async (trail) => {
        const merchant = demandMerchant(directory, name);
        const { id: merchantId } = merchant;
        trail.note({ merchantId });
        const room = cipher.roomFor(publicKeyPem, algorithm);
        const needed = merchant.notificationUrl === undefined ? 0 : NOTIFICATION_BYTES_MAX;
        if (room === undefined || room < needed) throw new Refusal('MERCHANT_KEY_INVALID');
        const change = { kind: 'set_merchant_key', merchantId, publicKeyPem, algorithm } as const;
        await trail.commit([change, { kind: 'count_directory_up' }]);
      });
      await directory.refresh();
    },

    async rotateApiKey(context, name) {
      const apiKey = credentials.newSecret();
      await audited(context, 'rotate_merchant', async (trail) => {
        const { id: merchantId } = demandMerchant(directory, name);
        trail.note({ merchantId });
        const apiKeyDigest = credentials.digest(apiKey);
        const change: Change = { kind: 'set_merchant_api_key', merchantId, apiKeyDigest };
        await trail.commit([change, { kind: 'count_directory_up' }]);
      });
      await directory.refresh();
      return { apiKey };
    },
  };
}

/** @throws {Refusal} `MERCHANT_NOT_FOUND` */
export function demandMerchant(directory: Directory, name: string): Merchant {
  const merchant = directory.listMerchants().find((each) => each.name === name);
  if (merchant === undefined) throw new Refusal('MERCHANT_NOT_FOUND');
  return merchant;
}
