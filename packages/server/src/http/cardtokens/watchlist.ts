import assert from 'node:assert/strict';
import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { Refusal } from '../../domain/error.ts';
import {
  type AddToWatchlist,
  CUSTOM_REFERENCE_BYTES_MAX,
  type WatchRequest,
  type WatchResult,
} from '../../usecase/add-to-watchlist.ts';
import type { EndWatch } from '../../usecase/end-watch.ts';
import type { ListPanids } from '../../usecase/list-panids.ts';
import { merchantOf } from './authentication.ts';
import { demandOwnId, lowerCaseKeys, parseCard } from './card-fields.ts';

const CARDS_MAX = 10_000;

/** 10,000 cards with custom references take some 1.5 MB. */
const BODY_BYTES_MAX = 4 * 1024 * 1024;

const field = () => Type.Optional(Type.String({ maxLength: 256 }));

const Body = Type.Object(
  {
    pans: Type.Array(
      Type.Object(
        {
          pan: field(),
          pantoken: field(),
          expmonth: field(),
          expyear: field(),
          customreference: field(),
        },
        { additionalProperties: false },
      ),
      { minItems: 1, maxItems: CARDS_MAX },
    ),
    merchantid: Type.String({ maxLength: 32 }),
  },
  { additionalProperties: false },
);

type Item = Static<typeof Body>['pans'][number];

const Reply = Type.Object({
  pans: Type.Array(
    Type.Object({
      pan: Type.Optional(Type.String()),
      pantoken: Type.Optional(Type.String()),
      panid: Type.Optional(Type.String()),
      status: Type.String(),
      customreference: Type.Optional(Type.String()),
      code: Type.Optional(Type.String()),
    }),
  ),
});

/** A page of panids takes some 350 KB at most. */
const PANIDS_MAX = 10_000;

const Query = Type.Object(
  {
    customreference: Type.String({ maxLength: 64 }),
    merchantid: Type.String({ maxLength: 32 }),
    limit: Type.Optional(Type.String({ pattern: '^[0-9]{1,5}$' })),
    after: Type.Optional(Type.String({ pattern: '^[0-9a-fA-F]{32}$' })),
  },
  { additionalProperties: false },
);

const Panids = Type.Object({
  panids: Type.Array(Type.String()),
  next: Type.Optional(Type.String()),
});

/** The documented status of each result. */
const STATUS = { added: '1', failed: '0', already_there: '2' } as const;

export interface WatchlistDeps {
  readonly addToWatchlist: AddToWatchlist;
  readonly endWatch: EndWatch;
  readonly listPanids: ListPanids;
}

/** `POST /api/cu/addwatchlist`, `DELETE /api/cu/{panid}/unsubscribe`, `GET /api/cu/panids` */
export function registerWatchlist(app: FastifyInstance, deps: WatchlistDeps): void {
  app.post<{ Body: Static<typeof Body> }>(
    '/api/cu/addwatchlist',
    {
      bodyLimit: BODY_BYTES_MAX,
      schema: { body: Body, response: { 200: Reply } },
      preValidation: async (request) => {
        request.body = lowerCaseAll(request.body) as Static<typeof Body>;
      },
    },
    async (request) => {
      const merchant = merchantOf(request);
      const { pans, merchantid } = request.body;
      demandOwnId(merchant, merchantid);
      const results = await deps.addToWatchlist(merchant, pans.map(parseItem), request.id);
      return { pans: pans.map((item, index) => resultOf(item, results[index])) };
    },
  );

  app.delete<{ Params: { panid: string } }>(
    '/api/cu/:panid/unsubscribe',
    { schema: { response: { 200: Type.Object({}) } } },
    async (request) => {
      const panid = request.params.panid.toLowerCase();
      if (!/^[0-9a-f]{32}$/.test(panid)) throw new Refusal('PANID_UNKNOWN');
      await deps.endWatch(merchantOf(request), panid, request.id);
      return {};
    },
  );

  app.get<{ Querystring: Static<typeof Query> }>(
    '/api/cu/panids',
    { schema: { querystring: Query, response: { 200: Panids } } },
    async (request) => {
      const merchant = merchantOf(request);
      const { customreference, merchantid, after = '' } = request.query;
      demandOwnId(merchant, merchantid);
      const limit = Number(request.query.limit ?? PANIDS_MAX);
      if (limit < 1 || limit > PANIDS_MAX) throw new Refusal('REQUEST_INVALID', { field: 'limit' });
      const page = { after: after.toLowerCase(), limit };
      const { panids, next } = await deps.listPanids(merchant, customreference, page);
      return { panids: [...panids], ...(next !== undefined && { next }) };
    },
  );
}

function lowerCaseAll(body: unknown): unknown {
  const lowered = lowerCaseKeys(body) as Record<string, unknown> | null;
  if (Array.isArray(lowered?.pans)) lowered.pans = lowered.pans.map(lowerCaseKeys);
  return lowered;
}

/** What is wrong with one card is its own result, and no reason to refuse the others. */
function parseItem(item: Item): WatchRequest | Refusal {
  const { pan, pantoken, expmonth = '', expyear = '', customreference } = item;
  try {
    if (customreference !== undefined) {
      // As JSON will hold it: a notification has to fit one block.
      const length = Buffer.byteLength(JSON.stringify(customreference)) - '""'.length;
      const isFit = length >= 1 && length <= CUSTOM_REFERENCE_BYTES_MAX;
      if (!isFit) throw new Refusal('CUSTOM_REFERENCE_INVALID');
    }
    const card = parseCard({ pan, pantoken, expmonth, expyear });
    return { ...card, customReference: customreference };
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

function resultOf({ pan, pantoken, customreference }: Item, result: WatchResult | undefined) {
  assert(result, 'each card has a result');
  return {
    ...(pan !== undefined && { pan }),
    ...(pantoken !== undefined && { pantoken }),
    ...(result.status !== 'failed' && { panid: result.panid }),
    status: STATUS[result.status],
    ...(customreference !== undefined && { customreference }),
    ...(result.status === 'failed' && { code: result.code }),
  };
}
