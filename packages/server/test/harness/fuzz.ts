import fc from 'fast-check';
import { checkAnswer } from './fuzz-answers.ts';
import { type GoodRequests, makeGoodRequests } from './fuzz-good.ts';
import { type FuzzRequest, makeRequestArbitrary } from './fuzz-requests.ts';
import { connectSchemes, type FuzzSchemes } from './fuzz-schemes.ts';
import { makeIssuerClient } from './issuer-client.ts';
import { startService, type TestService } from './service.ts';

/** A service to be fuzzed: schemes that push are connected. */
export interface FuzzTarget {
  readonly test: TestService;
  readonly schemes: FuzzSchemes;
}

export async function startFuzzTarget(): Promise<FuzzTarget> {
  const test = await startService();
  return { test, schemes: await connectSchemes(test) };
}

/** Of one operation: how often each status came, and to requests that were meant to be good. */
export interface FuzzCounts {
  readonly all: Record<string, number>;
  readonly good: Record<string, number>;
}

/** Where the client certificate is what a scheme is known by. */
const BY_CERTIFICATE = /^\/v1\/callbacks\/\w+$/;

/** One half is made to be good, the other half to be anything the document allows or does not. */
export async function fuzz(
  { test: given, schemes }: FuzzTarget,
  count: number,
  seed: number,
): Promise<Readonly<Record<string, FuzzCounts>>> {
  // Clients of their own: an access token is good for a quarter of an hour.
  const renewed = (name: 'issuer' | 'channel' | 'manager') =>
    makeIssuerClient(given.send, given[name].credentials);
  const test: TestService = {
    ...given,
    issuer: renewed('issuer'),
    channel: renewed('channel'),
    manager: renewed('manager'),
  };
  const good = await makeGoodRequests(test, schemes);
  const material = materialOf(good, schemes);
  const anything = await makeRequestArbitrary(test, material);
  const counts: Record<string, FuzzCounts> = {};
  const isGood = fc.boolean();
  await fc.assert(
    fc.asyncProperty(anything, isGood, fc.nat(), async (made, wantsGood, choice) => {
      const { operation } = made;
      const name = `${operation.method} ${operation.path}`;
      const meant = wantsGood ? await good.of(name, choice) : undefined;
      const request = meant ?? made.request;
      const send = BY_CERTIFICATE.test(operation.path) ? schemes.send : test.send;
      const reply = await send(request);
      good.learn(name, request, reply);
      const sent = String(request.body ?? '');
      checkAnswer(operation, reply, {
        isNumberDue: reply.status === 200 && isNumberDue(test, operation.path, request),
        isForeign: (digits) => test.registry.has(digits) && !sent.includes(digits),
      });
      counts[name] ??= { all: {}, good: {} };
      const { all, good: ofGood } = counts[name];
      all[reply.status] = (all[reply.status] ?? 0) + 1;
      if (meant !== undefined) ofGood[reply.status] = (ofGood[reply.status] ?? 0) + 1;
    }),
    { numRuns: count, seed, endOnFailure: true },
  );
  return counts;
}

/** Tokens come to it while it is fuzzed. */
function materialOf(good: GoodRequests, schemes: FuzzSchemes) {
  return {
    get tokens() {
      return good.tokens;
    },
    pans: good.pans,
    secrets: Object.values(schemes.secrets),
    pushes: schemes.pushes,
  };
}

function isNumberDue(test: TestService, path: string, { headers, body }: FuzzRequest): boolean {
  // A merchant is told which of the cards it sent each result is of.
  if (path === '/api/cu/addwatchlist') return true;
  const isCertified = headers?.apikey === test.issuer.credentials.apikey;
  return isCertified && /"functionType":"P"/.test(String(body));
}

/** Of all requests the part that was answered 200, by operation. */
export function shareOfGood(counts: Readonly<Record<string, FuzzCounts>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(counts).map(([name, { all }]) => {
      const sum = Object.values(all).reduce((a, b) => a + b, 0);
      return [name, Math.round(((all['200'] ?? 0) / sum) * 100)];
    }),
  );
}
