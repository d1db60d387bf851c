import swagger from '@fastify/swagger';
import type { FastifyInstance, FastifySchema } from 'fastify';
import type { TSchema } from 'typebox';
import packageJson from '../../package.json' with { type: 'json' };
import { CardtokensError } from './cardtokens/error.ts';
import { FirstVisionError } from './firstvision/error.ts';
import { Problem } from './problem.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What the OpenAPI document says of a route beyond the schemas it is checked with. */
    openapi?: FastifySchema & {
      readonly summary?: string;
      readonly consumes?: readonly string[];
      readonly security?: readonly Readonly<Record<string, readonly string[]>>[];
    };
  }
}

/** How the callers of a face prove who they are, and what they are told when it goes wrong. */
interface FaceDocument {
  readonly tag: string;
  readonly security: Readonly<Record<string, readonly string[]>>;
  readonly error: TSchema;
  readonly errorType: string;
  /** The statuses of refusals: those of the kinds and of the transport, see docs/errors.md. */
  readonly errorStatuses: readonly number[];
}

const FIRSTVISION: FaceDocument = {
  tag: 'FirstVision',
  security: { apikey: [], bearer: [], clientId: [] },
  error: FirstVisionError,
  errorType: 'application/json',
  errorStatuses: [400, 401, 403, 413, 414, 415, 422, 429, 500, 503],
};

const CARDTOKENS: FaceDocument = {
  tag: 'Cardtokens',
  security: { xApiKey: [] },
  error: CardtokensError,
  errorType: 'application/json',
  errorStatuses: [400, 401, 403, 404, 409, 413, 414, 415, 429, 500, 503],
};

const V1: FaceDocument = {
  ...FIRSTVISION,
  tag: 'Pantoken',
  error: Problem,
  errorType: 'application/problem+json',
  errorStatuses: [400, 401, 403, 404, 409, 413, 414, 415, 422, 429, 500, 503],
};

const SECURITY_SCHEMES = {
  apikey: { type: 'apiKey', in: 'header', name: 'apikey' },
  clientId: { type: 'apiKey', in: 'header', name: 'X-ClientID' },
  bearer: { type: 'http', scheme: 'bearer', description: 'From POST /token; good for 900 s.' },
  basic: { type: 'http', scheme: 'basic', description: 'apikey and secret.' },
  xApiKey: { type: 'apiKey', in: 'header', name: 'x-api-key' },
} as const;

/** The path of the document. It says nothing that is not in the documentation. */
export const OPENAPI_PATH = '/openapi.json';

/**
 * Makes the OpenAPI 3.1 document of all faces out of the schemas their routes are checked with, and
 * serves it. Registered before the routes.
 */
export function registerOpenapi(app: FastifyInstance): void {
  app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Pantoken',
        version: packageJson.version,
        description: "PAN-TOKENs for issuers (FirstVision's API), account updates for merchants.",
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      components: { securitySchemes: SECURITY_SCHEMES },
    },
    hideUntagged: false,
    transform: ({ schema, url, route }) => {
      const { openapi = {} } = route.config ?? {};
      return { schema: documentOf(url, { ...schema, ...openapi }), url };
    },
  });
  app.register((scope, _options, done) => {
    const hidden = { hide: true } as FastifySchema;
    scope.get(OPENAPI_PATH, { schema: hidden }, async () => app.swagger());
    done();
  });
}

function documentOf(url: string, schema: FastifySchema): FastifySchema {
  const face = faceOf(url);
  if (face === undefined) return schema;
  const errors = face.errorStatuses.map((status) => [
    status,
    {
      description: 'Refused: see docs/errors.md.',
      content: { [face.errorType]: { schema: face.error } },
    },
  ]);
  const successes = Object.entries((schema.response ?? {}) as Record<string, object>).map(
    ([status, answer]) => [status, { description: 'Done.', ...answer }],
  );
  return {
    tags: [face.tag],
    security: [face.security],
    ...schema,
    response: Object.fromEntries([...successes, ...errors]),
  } as FastifySchema;
}

function faceOf(url: string): FaceDocument | undefined {
  if (url === '/token' || url.startsWith('/cards/')) return FIRSTVISION;
  if (url.startsWith('/v1/')) return V1;
  return url.startsWith('/api/cu/') ? CARDTOKENS : undefined;
}
