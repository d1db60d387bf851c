import { type Access, OPEN_ACCESS } from './access.ts';
import { Refusal } from './error.ts';
import type { OrganizationNumber } from './organization-number.ts';

/** What a caller may do for its organizations. */
export const RIGHTS = [
  'issue', // create, reissue and renew cards
  'inquire-token', // a card number in, its token out
  'inquire-number', // a token in, its card number out: PCI-certified callers only
  'validate', // ask what became of a card
  'manage', // mark cards as bait; see and disable callers of its own organizations
  'audit', // read the audit records of its organizations
] as const;
export type Right = (typeof RIGHTS)[number];

/** How card numbers leave to a caller. */
export const NUMBER_FORMS = ['clear', 'jwe', 'zone-key'] as const;
export type NumberForm = (typeof NUMBER_FORMS)[number];

/** How a caller signs: fixed when it is registered, never negotiated per request. */
export const SIGNATURE_FORMS = ['firstvision', 'hmac-sha256', 'ed25519'] as const;
export type SignatureForm = (typeof SIGNATURE_FORMS)[number];

/** A public key of a caller: numbers are encrypted to it, or its signatures are checked with it. */
export interface CallerKey {
  readonly use: 'encryption' | 'signature';
  /** What the caller calls it: `kid` of a JWE, `keyid` of a signature. */
  readonly id: string;
  /** SubjectPublicKeyInfo in PEM: RSA of 2048 bits or more to encrypt to, Ed25519 for signatures. */
  readonly publicKeyPem: string;
  /** Not used before. */
  readonly fromMs: number;
}

/** An authenticated client of the issuer's API. It holds no secret. */
export interface Caller extends Access {
  /** 32 hexadecimal digits. */
  readonly id: string;
  readonly name: string;
  /** What the caller sends as `X-ClientID`. */
  readonly clientId: string;
  /** The organizations it may act for. */
  readonly organizations: ReadonlySet<OrganizationNumber>;
  readonly rights: ReadonlySet<Right>;
  /** Whether it may see card numbers at all. */
  readonly pciCertified: boolean;
  /** Whether every request has to be signed; a signature that is sent is always checked. */
  readonly signature: 'optional' | 'required';
  readonly signatureForm: SignatureForm;
  readonly numberForm: NumberForm;
  /** Several of one use stand side by side while the caller changes from one to the next. */
  readonly keys: readonly CallerKey[];
}

/** What has to be said of a new caller; the rest has a default. */
export type NewCaller = Pick<Caller, 'name' | 'clientId' | 'organizations' | 'pciCertified'> &
  Partial<Omit<Caller, 'id'>>;

/**
 * The rights of a FirstVision client where none are named: its operations, and numbers when it is
 * certified.
 */
function defaultRights(pciCertified: boolean): readonly Right[] {
  const rights = ['issue', 'inquire-token'] as const;
  return pciCertified ? [...rights, 'inquire-number'] : rights;
}

/**
 * A caller as it is registered. What must not be cannot be configured.
 *
 * @throws {Refusal} `RIGHT_NEEDS_CERTIFICATION`, or `REQUEST_INVALID` naming the field.
 */
export function makeCaller(given: NewCaller, id: string): Caller {
  const caller: Caller = {
    ...OPEN_ACCESS,
    rights: new Set(defaultRights(given.pciCertified)),
    signature: 'optional',
    signatureForm: 'firstvision',
    numberForm: 'clear',
    keys: [],
    ...given,
    id,
  };
  if (caller.rights.has('inquire-number') && !caller.pciCertified) {
    throw new Refusal('RIGHT_NEEDS_CERTIFICATION', { right: 'inquire-number' });
  }
  if (!/^[\x21-\x7e]{1,64}$/.test(caller.name)) refuse('name');
  if (!/^[\x21-\x7e]{1,64}$/.test(caller.clientId)) refuse('clientId');
  if (caller.organizations.size === 0) refuse('organizations');
  if (caller.numberForm === 'jwe' && !hasKey(caller, 'encryption')) refuse('keys');
  if (caller.signatureForm === 'ed25519' && !hasKey(caller, 'signature')) refuse('keys');
  return Object.freeze(caller);
}

function refuse(field: string): never {
  throw new Refusal('REQUEST_INVALID', { field });
}

function hasKey({ keys }: Caller, use: CallerKey['use']): boolean {
  return keys.some((key) => key.use === use);
}

/**
 * The key numbers are encrypted to now: of those whose time has come, the one that came last.
 */
export function encryptionKeyOf({ keys }: Caller, nowMs: number): CallerKey | undefined {
  return keys
    .filter(({ use, fromMs }) => use === 'encryption' && fromMs <= nowMs)
    .reduce<CallerKey | undefined>(
      (newest, key) => (newest === undefined || key.fromMs >= newest.fromMs ? key : newest),
      undefined,
    );
}

/** The key a signature names; all that are registered are good side by side. */
export function signatureKeyOf(
  { keys }: Caller,
  keyId: string,
  nowMs: number,
): CallerKey | undefined {
  return keys.find(({ use, id, fromMs }) => use === 'signature' && id === keyId && fromMs <= nowMs);
}

/**
 * The one place that decides whether a caller may act for an organization. An organization that does
 * not exist and one of somebody else are refused alike, so that nothing can be learned by asking.
 *
 * @throws {Refusal} `ORGANIZATION_NOT_FOUND`
 */
export function demandOrganization(caller: Caller, organization: OrganizationNumber): void {
  if (!caller.organizations.has(organization)) throw new Refusal('ORGANIZATION_NOT_FOUND');
}

/** @throws {Refusal} `RIGHT_MISSING`, naming the right. */
export function demandRight(caller: Caller, right: Exclude<Right, 'inquire-number'>): void {
  if (!caller.rights.has(right)) throw new Refusal('RIGHT_MISSING', { right });
}

/** The one place that decides who may see a card number. */
export function maySeeNumbers(caller: Caller, organization: OrganizationNumber): boolean {
  return (
    caller.pciCertified &&
    caller.rights.has('inquire-number') &&
    caller.organizations.has(organization)
  );
}
