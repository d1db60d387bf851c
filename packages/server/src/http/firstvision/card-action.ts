import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import type { Caller } from '../../domain/caller.ts';
import { FIRST_CARD_SEQUENCE, parseCardSequence } from '../../domain/card.ts';
import { Refusal } from '../../domain/error.ts';
import { monthOf, yearOf } from '../../domain/expiry.ts';
import { parseOrganizationNumber } from '../../domain/organization-number.ts';
import type { IssuedCard } from '../../usecase/create-card.ts';
import type { ReissueCard, ReissueCardRequest } from '../../usecase/reissue-card.ts';
import type { RenewCard } from '../../usecase/renew-card.ts';
import { callerOf } from './authentication.ts';
import { parseReferenceField } from './card-field.ts';
import { shownField } from './embosser-add.ts';
import { envelopeOf, success } from './envelope.ts';
import { type MakeRepeatable, repeatableOf } from './repeatable.ts';

const Count = Type.Optional(Type.Integer({ minimum: 0, maximum: 99 }));

const Body = Type.Object(
  {
    organizationNumber: Type.Integer({ minimum: 0, maximum: 998 }),
    cardNumber: Type.String({ maxLength: 19 }),
    cardSequence: Type.Optional(Type.Integer({ minimum: 0, maximum: 9999 })),
    cardAction: Type.Integer({ minimum: 0, maximum: 7 }),
    randomPin: Type.Integer({ minimum: 0, maximum: 1 }),
    numberCardsRequested: Count,
    numberCardsReturned: Count,
    // Documented, and nothing is kept of them.
    cardActionReason: Type.Optional(Type.Unknown()),
    processingType: Type.Optional(Type.Unknown()),
    instantProcessType: Type.Optional(Type.Unknown()),
    userData: Type.Optional(Type.Unknown()),
  },
  { additionalProperties: false },
);

const Data = Type.Object({
  organizationNumber: Type.Integer(),
  cardNumber: Type.String(),
  cardSequence: Type.Integer(),
  cardAction: Type.Integer(),
  numberCardsRequested: Type.Integer(),
  numberCardsReturned: Type.Integer(),
  randomPin: Type.Integer(),
  logo: Type.Integer(),
  customerNumber: Type.String(),
  embosserName1: Type.String(),
  embosserName2: Type.String(),
  expiryDate: Type.String(),
});

interface CardActionDeps {
  readonly reissueCard: ReissueCard;
  readonly renewCard: RenewCard;
  readonly makeRepeatable: MakeRepeatable;
}

type TakeAction = (
  caller: Caller,
  request: ReissueCardRequest,
  requestId: string,
) => Promise<IssuedCard>;

/**
 * `PUT /cards/embosser/cardAction-L8V2` (M.CMS.EMB.CARDACTION.UPD, L8V2)
 *
 * 3 and 6 (replacement and emergency replacement: lost or stolen) give a new number; 7 (reissue)
 * keeps the number and moves the expiry; 2 (additional plastic, after damage) changes neither.
 */
export function registerCardAction(
  app: FastifyInstance,
  { reissueCard, renewCard, makeRepeatable }: CardActionDeps,
): void {
  const actions: Readonly<Record<number, TakeAction>> = {
    2: (caller, request, id) => renewCard(caller, { ...request, expiry: 'same' }, id),
    3: reissueCard,
    6: reissueCard,
    7: (caller, request, id) => renewCard(caller, { ...request, expiry: 'renewed' }, id),
  };
  app.put<{ Body: Static<typeof Body> }>(
    '/cards/embosser/cardAction-L8V2',
    {
      schema: { body: Body, response: { 200: envelopeOf(Data) } },
      config: {
        auditAction: 'card_action',
        openapi: { summary: 'Reissue or renew a card (L8V2)' },
        refusalOfField: {
          organizationNumber: 'ORGANIZATION_NUMBER_INVALID',
          cardSequence: 'CARD_SEQUENCE_INVALID',
          cardAction: 'CARD_ACTION_UNKNOWN',
        },
      },
    },
    async (request) => {
      const { organizationNumber, cardNumber, cardSequence, cardAction, randomPin } = request.body;
      const organization = parseOrganizationNumber(organizationNumber);
      const sequence = parseCardSequence(cardSequence ?? FIRST_CARD_SEQUENCE);
      if (cardAction === 1) throw new Refusal('CARD_ALREADY_ISSUED');
      const takeAction = actions[cardAction];
      if (takeAction === undefined) throw new Refusal('CARD_ACTION_UNSUPPORTED');
      if (randomPin !== 0) throw new Refusal('PIN_NOT_KEPT');
      const card = parseReferenceField(cardNumber);
      const caller = callerOf(request);
      const repeatable = repeatableOf(request, caller, makeRepeatable);
      const asked = { organization, card, sequence, repeatable };
      const issued = await takeAction(caller, asked, request.id);
      return success(dataOf(issued, request.body));
    },
  );
}

function dataOf(
  { card, details, shownNumber }: IssuedCard,
  asked: Static<typeof Body>,
): Static<typeof Data> {
  return {
    organizationNumber: card.organization,
    cardNumber: shownField(shownNumber),
    cardSequence: card.sequence,
    cardAction: asked.cardAction,
    numberCardsRequested: asked.numberCardsRequested ?? 1,
    numberCardsReturned: asked.numberCardsReturned ?? 0,
    randomPin: asked.randomPin,
    logo: card.logo,
    customerNumber: details.customerNumber ?? '',
    embosserName1: details.embossedName1 ?? '',
    embosserName2: details.embossedName2 ?? '',
    expiryDate: lastDayOf(yearOf(card.expiry), monthOf(card.expiry)),
  };
}

/** A card is good to the end of its month. */
function lastDayOf(year: string, month: string): string {
  const day = new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate();
  return `${year}-${month}-${day}`;
}
