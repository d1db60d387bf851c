import { randomUUID } from 'node:crypto';
import type { FuzzRequest } from './fuzz-requests.ts';
import type { FuzzSchemes } from './fuzz-schemes.ts';
import { ACTION, CREATE, INQUIRE, tokenRequest, unpad } from './issuer-client.ts';
import { VALIDATE } from './merchant-client.ts';
import { freshPan } from './numbers.ts';
import type { Reply, Request } from './send.ts';
import { editByHand, operator, type TestService } from './service.ts';

/** A card that is there, and where. */
interface FuzzCard {
  readonly organizationNumber: number;
  readonly token: string;
}

/**
 * Requests that are good, of every operation: made when they are sent, of cards, watches and callers
 * that are there at that moment.
 */
export interface GoodRequests {
  /** @param choice any number: which card, and which of several ways. */
  of(operation: string, choice: number): Promise<FuzzRequest | undefined>;
  /** Keeps what an answer made, for later requests. */
  learn(operation: string, request: Request, reply: Reply): void;
  readonly tokens: readonly string[];
  readonly pans: readonly string[];
}

const CARDS_MAX = 400;

export async function makeGoodRequests(
  test: TestService,
  schemes: FuzzSchemes,
): Promise<GoodRequests> {
  const { issuer, manager, merchant, registry } = test;
  const { merchantid } = merchant.credentials;
  // Watching needs somewhere to tell of it; nothing is delivered here.
  editByHand(test.home, (database) =>
    database.exec(`update merchant set notification_url = 'https://receiver.example/notify';
      update directory_version set version = version + 1`),
  );
  await test.service.directory.refresh();
  const cards: FuzzCard[] = [];
  const pans: string[] = [];
  const panids: string[] = [];
  for (const organizationNumber of [100, 100, 200, 400]) {
    const { cardNumber } = (await issuer.create({ organizationNumber })).data;
    cards.push({ organizationNumber, token: unpad(cardNumber) });
  }
  for (let count = 0; count < 20; count++) {
    const cardNumber = freshPan();
    await issuer.create({ cardNumber, expirationDate: '2030-11-01' });
    pans.push(cardNumber);
  }
  const names = [randomUUID(), randomUUID()];
  for (const name of names) {
    const organizations = new Set([100 as never]);
    const given = { name, clientId: name, pciCertified: false, organizations };
    await test.service.register.addCaller(operator, given);
  }

  const json = (method: Request['method'], path: string) => (body: object) => ({
    method,
    path,
    body: JSON.stringify(body),
  });
  const pick = <T>(from: readonly T[], choice: number): T => from[choice % from.length] as T;
  const asIssuer = async (request: Request) => ({ ...request, headers: await issuer.headers() });
  const asManager = async (request: Request) => ({ ...request, headers: await manager.headers() });
  const asMerchant = (request: Request) => ({ ...request, headers: merchant.headers() });
  const withoutType = ({ headers, ...request }: Request) => {
    const { 'content-type': _, ...rest } = headers as Record<string, string>;
    return { ...request, headers: rest };
  };

  function inquiry(choice: number): object {
    const { organizationNumber, token } = pick(cards, choice);
    return choice % 2 === 0
      ? { organizationNumber, cardNumber: token, functionType: 'P' }
      : { organizationNumber: 100, cardNumber: pick(pans, choice), functionType: 'C' };
  }

  const fields = (choice: number) => ({
    ...{ pan: pick(pans, choice), expmonth: '11', expyear: '2030', merchantid },
  });

  const makers: Readonly<Record<string, (choice: number) => Promise<FuzzRequest> | FuzzRequest>> = {
    ...pushesOf(schemes),
    'POST /token': () => tokenRequest(issuer.credentials),
    [`POST ${CREATE}`]: (choice) =>
      asIssuer(
        json(
          'POST',
          CREATE,
        )({
          organizationNumber: pick([100, 200, 400], choice),
          postToAccount: '1',
          cardNumber: '',
        }),
      ),
    [`POST ${INQUIRE}`]: (choice) => asIssuer(json('POST', INQUIRE)(inquiry(choice))),
    [`PUT ${ACTION}`]: (choice) => {
      const { organizationNumber, token: cardNumber } = pick(cards, choice);
      const cardAction = pick([2, 3, 6, 7], choice);
      const body = { organizationNumber, cardNumber, cardAction, randomPin: 0 };
      return asIssuer(json('PUT', ACTION)(body));
    },
    [`POST ${VALIDATE}`]: (choice) => {
      const clear = fields(choice);
      const isHidden = choice % 8 === 0;
      const encdata = isHidden ? merchant.encrypt(JSON.stringify(clear)) : '';
      return asMerchant(json('POST', VALIDATE)(isHidden ? { encdata } : clear));
    },
    'POST /api/cu/addwatchlist': (choice) => {
      const pan = freshPan();
      registry.add(pan);
      const watched = { pan, expmonth: '11', expyear: '2030', customreference: `r${choice % 9}` };
      return asMerchant(json('POST', '/api/cu/addwatchlist')({ merchantid, pans: [watched] }));
    },
    'DELETE /api/cu/{panid}/unsubscribe': () => {
      const panid = panids.pop() ?? '0'.repeat(32);
      const path = `/api/cu/${panid}/unsubscribe`;
      return withoutType(asMerchant({ method: 'DELETE', path }));
    },
    'GET /api/cu/panids': (choice) => {
      const path = `/api/cu/panids?customreference=r${choice % 9}&merchantid=${merchantid}`;
      return withoutType(asMerchant({ method: 'GET', path }));
    },
    'POST /v1/account-changes': (choice) => {
      const { organizationNumber, token } = pick(cards, choice);
      const kind = pick(['contact_cardholder', 'opted_out', 'opted_in'], choice);
      const changes = [{ reference: randomUUID(), kind, panToken: token }];
      return asIssuer(json('POST', '/v1/account-changes')({ organizationNumber, changes }));
    },
    'PUT /v1/bait': (choice) => {
      const { organizationNumber, token } = pick(cards, choice);
      const body = { organizationNumber, panToken: token, bait: choice % 2 === 0 };
      return asManager(json('PUT', '/v1/bait')(body));
    },
    'POST /v1/card-status': (choice) => {
      const { organizationNumber, token } = pick(cards, choice);
      const body = { organizationNumber, panToken: token, expiry: '2030-11' };
      return asManager(json('POST', '/v1/card-status')(body));
    },
    'POST /v1/audit-records': (choice) => {
      // What is asked is on record: of all of it the newest part only, or this grows with its square.
      const body = { organizationNumber: 100, limit: 5, fromMs: Date.now() - 50 * (choice % 2) };
      return asManager(json('POST', '/v1/audit-records')(body));
    },
    'GET /v1/callers': async () =>
      withoutType(await asManager({ method: 'GET', path: '/v1/callers' })),
    'POST /v1/callers/disable': (choice) =>
      asManager(json('POST', '/v1/callers/disable')({ name: pick(names, choice) })),
  };

  return {
    get tokens() {
      return cards.map(({ token }) => token);
    },
    pans,
    async of(operation, choice) {
      return makers[operation]?.(choice);
    },
    learn(operation, request, reply) {
      if (reply.status !== 200) return;
      const answer = JSON.parse(reply.text);
      if (operation === `POST ${CREATE}` && cards.length < CARDS_MAX) {
        const { organizationNumber, cardNumber } = answer.data;
        const isToken = organizationNumber !== 300;
        if (isToken) cards.push({ organizationNumber, token: unpad(cardNumber) });
      }
      if (operation === `PUT ${ACTION}` && String(request.body).includes('"cardAction":3')) {
        const { organizationNumber, cardNumber } = answer.data;
        const sent = JSON.parse(String(request.body)).cardNumber;
        const at = cards.findIndex(({ token }) => token === sent);
        if (at >= 0) cards[at] = { organizationNumber, token: unpad(cardNumber) };
      }
      if (operation === 'POST /api/cu/addwatchlist') {
        for (const { panid } of answer.pans) if (panid !== undefined) panids.push(panid);
      }
    },
  };
}

/** What both schemes push, each to both of its paths. */
function pushesOf({ secrets, good }: FuzzSchemes) {
  const entries = (['visa', 'mastercard'] as const).flatMap((scheme) => {
    const path = `/v1/callbacks/${scheme}`;
    const push = (to: string) => (choice: number) => ({
      method: 'POST' as const,
      path: to,
      headers: { 'content-type': 'application/json' },
      body: good[scheme][choice % good[scheme].length] ?? '',
      showsCertificate: true,
    });
    return [
      [`POST ${path}`, push(path)],
      [`POST ${path}/{secret}`, push(`${path}/${secrets[scheme]}`)],
    ] as const;
  });
  return Object.fromEntries(entries);
}
