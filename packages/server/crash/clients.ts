import { randomUUID } from 'node:crypto';
import { Pan } from '../src/domain/pan.ts';
import type { Model, ModelCard, RepeatableRequest } from './model.ts';
import type { Seeded } from './seeded.ts';

/** Where the service answers, and who asks. */
export interface ClientDeps {
  readonly urls: () => readonly string[];
  readonly credentials: { readonly apikey: string; readonly secret: string };
  readonly model: Model;
  readonly seeded: Seeded;
}

/** What the service answered; undefined: nothing, so that whatever was asked may have happened. */
type Answer =
  | { readonly status: number; readonly data: Data | null; readonly json: unknown }
  | undefined;

interface Data {
  readonly cardNumber: string;
}

interface ChangeResults {
  readonly results: readonly { readonly status: string }[];
}

export interface Clients {
  /** Resolves when every client has stopped. */
  stop(): Promise<void>;
  /** Requests that were answered with 200 so far. */
  answeredCount(): number;
  /** Looks who has the numbers of refused creations. */
  verifyRefused(): Promise<void>;
  /** Sends again whatever has not been answered, until all of it is. */
  settleOpen(): Promise<void>;
  /** Asks for the number of a token, and the token of its number, and compares with the model. */
  verify(card: ModelCard): Promise<void>;
}

const ORGANIZATION = 100;
const PATH = '/cards/embosser';
/** A caller that is not let in, or asked to wait, has not been served: neither done nor refused. */
const NOT_SERVED = [401, 429];
/** So many requests may be open before nothing new is asked for. */
const OPEN_MAX = 16;
const ANSWER_LIMIT_MS = 20_000;

function codeOf(json: unknown): string | undefined {
  return (json as { errors?: readonly { code: string }[] }).errors?.[0]?.code;
}

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

  async function ask(
    method: string,
    path: string,
    body: object,
    key: string | undefined = undefined,
  ): Promise<Answer> {
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
          ...(key !== undefined && { 'idempotency-key': key }),
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
      const json = JSON.parse(text);
      return { status: answer.status, data: json.data, json };
    } catch {
      return undefined; // The connection was lost.
    }
  }

  const base = { organizationNumber: ORGANIZATION, cardSequence: 1 };
  const inquire = (functionType: 'C' | 'P', cardNumber: string) =>
    ask('POST', `${PATH}/card-pan-l8v2`, { ...base, functionType, cardNumber });

  async function verify(card: ModelCard): Promise<void> {
    const number = await inquire('P', card.token);
    if (number === undefined || NOT_SERVED.includes(number.status)) return;
    if (card.deletion !== undefined && codeOf(number.json) === 'CARD_DELETED') return;
    if (card.deletion === 'done') {
      model.violations.push('a deleted card is there again');
      return;
    }
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

  const unpad = (data: Data) => data.cardNumber.replace(/^0+/, '');
  const keyOrNone = () => (seeded.below(2) === 0 ? undefined : `k-${randomUUID()}`);

  /** Sends what may be repeated; what is not answered stays open. @returns whether it was answered. */
  async function send(request: RepeatableRequest): Promise<boolean> {
    const { method, path, body, key } = request;
    const answer = await ask(method, path, body, key);
    if (answer === undefined || NOT_SERVED.includes(answer.status)) {
      model.open.push(request);
      return false;
    }
    const isDone = answer.status === 200;
    request.settle(isDone ? answer.json : undefined);
    if (isDone && key !== undefined) {
      model.answered.push({ request, answer: JSON.stringify(answer.json) });
    }
    return true;
  }

  async function sendAgain(): Promise<void> {
    const request = model.open.shift();
    if (request !== undefined && (await send(request))) model.recoveredCount++;
  }

  /** The same key and body: the same answer, and nothing more is made. */
  async function repeat(): Promise<void> {
    if (model.answered.length === 0) return;
    const { request, answer } = seeded.pick(model.answered);
    const again = await ask(request.method, request.path, request.body, request.key);
    if (again === undefined || NOT_SERVED.includes(again.status)) return;
    model.repeatedCount++;
    if (again.status !== 200 || JSON.stringify(again.json) !== answer) {
      model.violations.push('an Idempotency-Key got another answer');
    }
  }

  async function create(): Promise<void> {
    const account = String(seeded.below(10 ** 9)).padStart(9, '0');
    const pan = seeded.below(2) === 0 ? undefined : Pan.withCheckDigit(`540208${account}`).reveal();
    const body = { ...base, postToAccount: '4711', cardNumber: pan ?? '' };
    const key = keyOrNone();
    const acknowledge = (data: Data | null) => data && model.acknowledge(pan, unpad(data), true);
    if (key !== undefined) {
      const settle = (json: unknown) => {
        if (json === undefined) model.refusedPans.push(pan ?? '');
        else acknowledge((json as { data: Data }).data);
      };
      await send({ method: 'POST', path: `${PATH}/l8vf`, body, key, settle });
      return;
    }
    const answer = await ask('POST', `${PATH}/l8vf`, body);
    if (answer === undefined) model.possibleCardCount++;
    else if (answer.status === 200) acknowledge(answer.data);
  }

  async function change(card: ModelCard, cardAction: 3 | 7): Promise<void> {
    if (cardAction === 3) card.isEnded = true;
    card.possibleChanges++;
    const body = { ...base, cardNumber: card.token, cardAction, randomPin: 0 };
    const settle = (json: unknown) => {
      if (json === undefined)
        card.possibleChanges--; // It was refused: nothing happened.
      else {
        card.acknowledgedChanges++;
        const { data } = json as { data: Data };
        if (cardAction === 3) model.acknowledge(undefined, unpad(data), false);
      }
    };
    const path = `${PATH}/cardAction-L8V2`;
    const key = keyOrNone();
    if (key !== undefined) {
      await send({ method: 'PUT', path, body, key, settle });
      return;
    }
    const answer = await ask('PUT', path, body);
    if (answer !== undefined) settle(answer.status === 200 ? answer.json : undefined);
    else if (cardAction === 3) model.possibleCardCount++;
  }

  /** An account change, by its reference told once however often it is sent. */
  async function tellChange(card: ModelCard, kind: 'renewed' | 'closed'): Promise<void> {
    if (kind === 'closed') card.isEnded = true;
    card.possibleChanges++;
    const fields = kind === 'renewed' ? { expiry: '2031-05' } : {};
    const message = { reference: randomUUID(), kind, panToken: card.token, ...fields };
    const body = { organizationNumber: ORGANIZATION, changes: [message] };
    const settle = (json: unknown) => {
      const [result] = (json as ChangeResults | undefined)?.results ?? [];
      if (result?.status === 'recorded' || result?.status === 'already_recorded') {
        card.acknowledgedChanges++;
      } else card.possibleChanges--;
    };
    await send({ method: 'POST', path: '/v1/account-changes', body, key: undefined, settle });
  }

  async function work(): Promise<void> {
    while (!isStopped) {
      const card = model.cards.length === 0 ? undefined : seeded.pick(model.cards);
      const choice = seeded.below(20);
      const before = answeredCount;
      // Of what is not answered, some is enough.
      if (model.open.length >= OPEN_MAX) await sendAgain();
      else if (card === undefined || choice < 8) await create();
      else if (choice < 12) await verify(card);
      else if (choice < 14) await sendAgain();
      else if (choice < 16) await repeat();
      else if (!card.isEnded) {
        if (choice === 16) await change(card, 3);
        else if (choice === 17) await change(card, 7);
        else await tellChange(card, choice === 18 ? 'renewed' : 'closed');
      }
      // While nothing answers, asking at full speed only heats the machine.
      if (answeredCount === before) await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  const workers = Array.from({ length: clientCount }, work);
  return {
    async stop() {
      isStopped = true;
      await Promise.all(workers);
    },
    answeredCount: () => answeredCount,
    async verifyRefused() {
      for (const pan of model.refusedPans.splice(0)) {
        const token = pan === '' ? undefined : await inquire('C', pan);
        // No answer counts as nobody, too: a refusal that could not be looked into is not passed over.
        if (!token?.data) {
          model.violations.push('a creation was refused whose number nobody is known to have');
        } else if (!model.byToken.has(unpad(token.data))) {
          model.violations.push('a repeated creation was refused');
        }
      }
    },
    async settleOpen() {
      for (let tries = 0; model.open.length > 0 && tries < 100_000; tries++) await sendAgain();
      if (model.open.length > 0) model.violations.push('requests stay without an answer');
    },
    verify,
  };
}
