import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { FIRST_CARD_SEQUENCE, parseCardSequence } from '../../domain/card.ts';
import { parseOrganizationNumber } from '../../domain/organization-number.ts';
import type { InquireNumber } from '../../usecase/inquire-number.ts';
import type { CardAnswer, InquireToken } from '../../usecase/inquire-token.ts';
import type { ShownNumber } from '../../usecase/show-number.ts';
import { type CallerRouteDeps, registerCallerRoute } from './caller-route.ts';
import { padField, parseNumberField, parseTokenField } from './card-field.ts';
import { envelopeOf, success } from './envelope.ts';

const Body = Type.Object(
  {
    organizationNumber: Type.Integer({ minimum: 0, maximum: 998 }),
    cardNumber: Type.String({ maxLength: 32 }),
    cardSequence: Type.Optional(Type.Integer({ minimum: 0, maximum: 9999 })),
    functionType: Type.Optional(Type.Union([Type.Literal('C'), Type.Literal('P')])),
  },
  { additionalProperties: false },
);

const Data = Type.Object({
  organizationNumber: Type.Integer(),
  logo: Type.Integer(),
  cardNumber: Type.String(),
  cardSequence: Type.Integer(),
  accountNumber: Type.String(),
  panToken: Type.String(),
});

/**
 * `POST /cards/embosser/card-pan-l8v2` (M.CMS.CARD.PAN.INQ, L8V2)
 *
 * `functionType` names what is sent: `C`, a card number, is answered with its token and nothing else;
 * `P`, a token, with its card number for those who may see it. This is the one route a number leaves
 * by.
 */
export function registerCardPan(
  app: FastifyInstance,
  deps: CallerRouteDeps & {
    readonly inquireToken: InquireToken;
    readonly inquireNumber: InquireNumber;
  },
): void {
  const { inquireToken, inquireNumber } = deps;
  registerCallerRoute(app, deps, {
    url: '/cards/embosser/card-pan-l8v2',
    body: Body,
    response: envelopeOf(Data),
    config: {
      auditAction: 'inquire_number',
      openapi: { summary: 'A card number for a token, or a token for a card number (L8V2)' },
      refusalOfField: {
        organizationNumber: 'ORGANIZATION_NUMBER_INVALID',
        cardSequence: 'CARD_SEQUENCE_INVALID',
      },
    },
    async answer(
      caller,
      { organizationNumber, cardNumber, cardSequence, functionType },
      requestId,
    ) {
      const organization = parseOrganizationNumber(organizationNumber);
      const sequence = parseCardSequence(cardSequence ?? FIRST_CARD_SEQUENCE);
      if (functionType === 'P') {
        const token = parseTokenField(cardNumber);
        const answer = await inquireNumber(caller, { organization, token, sequence }, requestId);
        return success(dataOf(answer, numberField(answer.number)));
      }
      const number = parseNumberField(cardNumber);
      const answer = await inquireToken(caller, { organization, number, sequence }, requestId);
      return success(dataOf(answer, padField(answer.token)));
    },
  });
}

/** In clear the number is padded; encrypted it is what its receiver decrypts, as it is. */
function numberField(number: ShownNumber): string {
  return number.form === 'clear' ? padField(number.pan.reveal()) : number.text;
}

function dataOf(answer: CardAnswer, cardNumber: string): Static<typeof Data> {
  return {
    organizationNumber: answer.organization,
    logo: answer.logo,
    cardNumber,
    cardSequence: answer.sequence,
    accountNumber: padField(answer.accountNumber),
    panToken: padField(answer.token),
  };
}
