import type { FastifyInstance } from 'fastify';
import { type Static, type TSchema, Type } from 'typebox';
import { type CardDetails, FIRST_CARD_SEQUENCE, parseCardSequence } from '../../domain/card.ts';
import { parseExpiryDate } from '../../domain/expiry.ts';
import { parseOrganizationNumber } from '../../domain/organization-number.ts';
import type { CreateCard, IssuedCard } from '../../usecase/create-card.ts';
import { callerOf } from './authentication.ts';
import { maskField, padField, parseNewNumberField } from './card-field.ts';
import { envelopeOf, success } from './envelope.ts';
import { type MakeRepeatable, repeatableOf } from './repeatable.ts';

/** Codes are documented as numbers and as text, and sent as either. */
const code = (length: number) =>
  Type.Optional(
    Type.Union([
      Type.String({ maxLength: length }),
      Type.Integer({ minimum: 0, maximum: 10 ** length - 1 }),
    ]),
  );

const text = (maxLength: number) => Type.Optional(Type.String({ maxLength }));

/** The documented fields that nothing is kept of: limits, addresses, mailers, user fields. */
const IGNORED_FIELDS = [
  ...['addressLine1', 'addressLine2', 'assignedSpendingLimits', 'atmCashAmount', 'atmCashNumber'],
  ...['atmCashSingleTransactionLimit', 'authorizationCriteriaTableNumber', 'branchNumber'],
  ...['authorizationSpendingLimitTable', 'businessRuleName', 'cardAction', 'cardActionReasonCode'],
  ...['cardDelayDays', 'cardholderAffiliationGroupId', 'cardholderFlag', 'city'],
  ...['contactlessIndicator', 'currentCardActivation', 'customUserFields', 'deliveryOption'],
  ...['deviceIndicator', 'enrollmentStatusVBV', 'firstIssueBranch', 'indicatorECommerce'],
  ...['internetPurchaseAmount', 'internetPurchaseNumber', 'internetPurchaseSingleTransactionLimit'],
  ...['languageCode', 'maximumAuthorizationFrequency', 'name1', 'name1TypeIndicator', 'name2'],
  ...['name2TypeIndicator', 'nextCardExpirationDate', 'numberOfCardsRequested'],
  ...['overTheCounterCashAmount', 'overTheCounterCashNumber'],
  ...['overTheCounterCashSingleTransactionLimit', 'overrideBusinessRuleEndDate'],
  ...['overrideBusinessRuleName', 'overrideBusinessRuleStartDate', 'pinMailerDelayDays'],
  ...['pinOffset', 'pinSuppression', 'postalCode', 'processType', 'profileId', 'programId'],
  ...['reissueDeliveryOption', 'requestedCardType', 'retailPurchaseAmt', 'retailPurchaseNumber'],
  ...['retailPurchaseSingleTransactionLimit', 'securedCodeActivate', 'stateOrProvince'],
  ...['typeCardMailer', 'user1', 'user2', 'user3', 'user4', 'user5', 'user6', 'user7', 'user8'],
  ...['userDate1', 'userDate2', 'vbvPassword', 'visaMiniIndicator', 'visaPlusIndicator'],
];

const Ignored: Record<string, TSchema> = Object.fromEntries(
  IGNORED_FIELDS.map((name) => [name, Type.Optional(Type.Unknown())]),
);

const Kept = {
  organizationNumber: Type.Integer({ minimum: 0, maximum: 998 }),
  postToAccount: Type.String({ minLength: 1, maxLength: 19 }),
  cardNumber: Type.String({ maxLength: 19 }),
  cardSequence: Type.Optional(Type.Integer({ minimum: 0, maximum: 9999 })),
  expirationDate: text(10),
  customerNumber: text(19),
  embossedName1: text(26),
  embossedName2: text(26),
  typeOfCard: code(2),
  plasticId: text(10),
  blockCode: text(1),
  posServiceCode: code(3),
};

const KeptBody = Type.Object(Kept);
const Body = Type.Object({ ...Ignored, ...Kept }, { additionalProperties: false });

const Data = Type.Object({
  organizationNumber: Type.Integer(),
  organizationAssociatedToForeignAccount: Type.Integer(),
  logo: Type.Integer(),
  accountNumber: Type.String(),
  cardNumber: Type.String(),
  cardSequence: Type.Integer(),
  currentChipSequenceNumber: Type.Integer(),
});

/** `POST /cards/embosser/l8vf` (M.CMS.EMBOSSER.ADD, L8VF): creates a card and its PAN-TOKEN. */
export function registerEmbosserAdd(
  app: FastifyInstance,
  { createCard, makeRepeatable }: { createCard: CreateCard; makeRepeatable: MakeRepeatable },
): void {
  app.post<{ Body: Static<typeof KeptBody> }>(
    '/cards/embosser/l8vf',
    {
      schema: { body: Body, response: { 200: envelopeOf(Data) } },
      config: {
        auditAction: 'create_card',
        openapi: { summary: 'Create a card and its PAN-TOKEN (L8VF)' },
        refusalOfField: {
          organizationNumber: 'ORGANIZATION_NUMBER_INVALID',
          cardSequence: 'CARD_SEQUENCE_INVALID',
        },
      },
    },
    async (request) => {
      const { organizationNumber, cardNumber, cardSequence, expirationDate } = request.body;
      const caller = callerOf(request);
      const issued = await createCard(
        caller,
        {
          organization: parseOrganizationNumber(organizationNumber),
          pan: parseNewNumberField(cardNumber),
          sequence: parseCardSequence(cardSequence ?? FIRST_CARD_SEQUENCE),
          expiry: expirationDate ? parseExpiryDate(expirationDate) : undefined,
          details: detailsOf(request.body),
          repeatable: repeatableOf(request, caller, makeRepeatable),
        },
        request.id,
      );
      return success(dataOf(issued));
    },
  );
}

/** Empty fields are as good as none, and take no room. */
function detailsOf(body: Static<typeof KeptBody>): CardDetails {
  const { customerNumber, embossedName1, embossedName2, typeOfCard, plasticId } = body;
  const { blockCode, posServiceCode } = body;
  const optional = { customerNumber, embossedName1, embossedName2, typeOfCard, plasticId };
  const given = Object.entries({ ...optional, blockCode, posServiceCode })
    .filter(([, value]) => value !== undefined && String(value).trim() !== '')
    .map(([name, value]) => [name, String(value)]);
  return { accountNumber: body.postToAccount, ...Object.fromEntries(given) };
}

function dataOf({ card, details, shownNumber }: IssuedCard): Static<typeof Data> {
  return {
    organizationNumber: card.organization,
    // Accounts and cards are of one organization here.
    organizationAssociatedToForeignAccount: card.organization,
    logo: card.logo,
    accountNumber: padField(details.accountNumber),
    cardNumber: shownField(shownNumber),
    cardSequence: card.sequence,
    currentChipSequenceNumber: card.chipSequence,
  };
}

/** What every answer but the inquiry's shows in place of a number. */
export function shownField(shown: IssuedCard['shownNumber']): string {
  return 'token' in shown ? padField(shown.token) : maskField(shown.masked);
}
