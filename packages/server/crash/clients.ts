import { Pan } from '../src/domain/pan.ts';
import type { Model, ModelCard } from './model.ts';
import type { Seeded } from './seeded.ts';

/** Where the service answers, and who asks. */
export interface ClientDeps {
  readonly urls: () => readonly string[];
  readonly credentials: { readonly apikey: string; readonly secret: string };
  readonly model: Model;
  readonly seeded: Seeded;
}

/** What the service answered; undefined: nothing, so that whatever was asked may have happened. */
type Answer = { readonly status: number; readonly data: Data | null } | undefined;

interface Data {
  readonly cardNumber: string;
}

export interface Clients {
  /** Resolves when every client has stopped. */
  stop(): Promise<void>;
  /** Requests that were answered with 200 so far. */
  answeredCount(): number;
  /** Asks for the number of a token, and the token of its number, and compares with the model. */
  verify(card: ModelCard): Promise<void>;
}

const ORGANIZATION = 100;
const PATH = '/cards/embosser';
const ANSWER_LIMIT_MS = 20_000;

/** Starts clients that make, ask, reissue and renew cards as fast as they are answered. */
export function startClients(deps: ClientDeps, clientCount: number): Clients {
  const { model, seeded, credentials } = deps;
  let isStopped = false;
  let answeredCount = 0;
  let bearer: string | undefined;
  let turn = 0;

  async function signIn(url: string): Promise<string | undefined> {
    const { apikey, secret } = credentials;
    const answer = await fetch(`${url}/token`, {
      method: 'POST',
      headers: {
        apikey,
        authorization: `Basic ${Buffer.from(`${apikey}:${secret}`).toString('base64')}`,
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: 'grant_type=client_credentials',
      signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
    });
    if (answer.status !== 200) return undefined;
    return ((await answer.json()) as { access_token: string }).access_token;
  }

  async function ask(method: string, path: string, body: object): Promise<Answer> {
    const urls = deps.urls();
    const url = urls[turn++ % urls.length] ?? '';
    try {
      bearer ??= await signIn(url);
      const answer = await fetch(url + path, {
        method,
        headers: {
          'content-type': 'application/json',
          apikey: credentials.apikey,
          'x-clientid': '00970',
          authorization: `Bearer ${bearer}`,
        },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
      });
      const text = await answer.text();
      if (answer.status === 401) bearer = undefined;
      // An answer that says "unavailable" leaves open whether it happened.
      if (answer.status >= 500) return undefined;
      if (answer.status === 200) {
        answeredCount++;
        model.requestIds.add(answer.headers.get('x-request-id') ?? '');
      }
      return { status: answer.status, data: JSON.parse(text).data };
    } catch {
      return undefined; // The connection was lost.
    }
  }

  const base = { organizationNumber: ORGANIZATION, cardSequence: 1 };
  const inquire = (functionType: 'C' | 'P', cardNumber: string) =>
    ask('POST', `${PATH}/card-pan-l8v2`, { ...base, functionType, cardNumber });

  async function verify(card: ModelCard): Promise<void> {
    const number = await inquire('P', card.token);
    if (number === undefined || number.status === 401) return;
    if (number.status !== 200 || number.data === null) {
      model.violations.push(`an acknowledged card is gone (status ${number.status})`);
      return;
    }
    const pan = number.data.cardNumber.replace(/^0+/, '');
    if (card.pan !== undefined && pan !== card.pan) {
      model.violations.push('a token gives the number of another card');
    }
    const token = await inquire('C', pan);
    if (token?.status === 200 && token.data?.cardNumber !== card.token.padStart(19, '0')) {
      model.violations.push('a number gives another token than it was given');
    }
  }

  async function create(): Promise<void> {
    const account = String(seeded.below(10 ** 9)).padStart(9, '0');
    const pan = seeded.below(2) === 0 ? undefined : Pan.withCheckDigit(`540208${account}`).reveal();
    const body = { ...base, postToAccount: '4711', cardNumber: pan ?? '' };
    const answer = await ask('POST', `${PATH}/l8vf`, body);
    if (answer?.status !== 200 || answer.data === null) return;
    model.acknowledge(pan, answer.data.cardNumber.replace(/^0+/, ''));
  }

  async function change(card: ModelCard, cardAction: 3 | 7): Promise<void> {
    if (cardAction === 3) card.isEnded = true;
    card.possibleChanges++;
    const body = { ...base, cardNumber: card.token, cardAction, randomPin: 0 };
    const answer = await ask('PUT', `${PATH}/cardAction-L8V2`, body);
    if (answer === undefined) return;
    if (answer.status !== 200 || answer.data === null) {
      card.possibleChanges--; // It was refused: nothing happened.
      return;
    }
    card.acknowledgedChanges++;
    if (cardAction === 3) model.acknowledge(undefined, answer.data.cardNumber.replace(/^0+/, ''));
  }

  async function work(): Promise<void> {
    while (!isStopped) {
      const card = model.cards.length === 0 ? undefined : seeded.pick(model.cards);
      const choice = seeded.below(10);
      const before = answeredCount;
      if (card === undefined || choice < 5) await create();
      else if (choice < 8) await verify(card);
      else if (!card.isEnded) await change(card, choice === 8 ? 3 : 7);
      // While nothing answers, asking at full speed only heats the machine.
      if (answeredCount === before) await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  const workers = Array.from({ length: clientCount }, work);
  return {
    async stop() {
      isStopped = true;
      await Promise.all(workers);
    },
    answeredCount: () => answeredCount,
    verify,
  };
}
