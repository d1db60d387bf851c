import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { buildServer, type ServerDeps } from '../src/http/server.ts';
import { LOOPBACK_TRANSPORT } from '../src/http/transport.ts';

export const OPENAPI_DOC = join(import.meta.dirname, '../../../docs/openapi.json');

/** The whole of docs/openapi.json: what a server says at /openapi.json. */
export async function renderOpenapiDoc(): Promise<string> {
  // Registering routes calls nothing of what serves them, and none of them is called here.
  const nothing = {} as Omit<ServerDeps, 'transport' | 'log'>;
  const log = pino({ level: 'silent' });
  const faces = { firstVision: nothing, cardtokens: nothing, v1: nothing };
  const deps = faces as unknown as ServerDeps;
  const app = buildServer({ ...deps, transport: LOOPBACK_TRANSPORT, log });
  await app.ready();
  const text = `${JSON.stringify(app.swagger(), undefined, 2)}\n`;
  await app.close();
  return text;
}

if (import.meta.main) writeFileSync(OPENAPI_DOC, await renderOpenapiDoc());
