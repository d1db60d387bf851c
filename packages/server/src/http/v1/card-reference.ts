import { Type } from 'typebox';
import { Refusal } from '../../domain/error.ts';
import { CardNumber } from '../../domain/pan.ts';
import type { CardReference } from '../../usecase/find-number.ts';

/** A card of an organization, named by one of the two. */
export const CARD_FIELDS = {
  organizationNumber: Type.Integer({ minimum: 0, maximum: 998 }),
  pan: Type.Optional(Type.String({ maxLength: 19 })),
  panToken: Type.Optional(Type.String({ maxLength: 19 })),
};

/** @throws {Refusal} `REQUEST_INVALID` unless it is exactly one; `CARD_NUMBER_MALFORMED` */
export function cardReferenceOf({
  pan,
  panToken,
}: {
  pan?: string;
  panToken?: string;
}): CardReference {
  if (pan !== undefined && panToken === undefined) {
    return { kind: 'number', number: CardNumber.parseNumber(pan) };
  }
  if (panToken === undefined || pan !== undefined) {
    throw new Refusal('REQUEST_INVALID', { field: 'panToken' });
  }
  return { kind: 'token', token: panToken };
}
