import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { REFUSALS, type RefusalCode } from '../src/domain/error.ts';
import { STATUS_OF_KIND as CARDTOKENS_STATUS } from '../src/http/cardtokens/error.ts';
import { STATUS_OF_TRANSPORT } from '../src/http/face.ts';
import { FIRSTVISION_CODES, firstVisionError } from '../src/http/firstvision/error.ts';

const PATH = join(import.meta.dirname, '../../../docs/errors.md');

const HEAD = `# Errors

Every way this service refuses a request. This page is made from the code (\`npm run docs\`) and held
equal to it by a test. Codes are API: they are never renamed and never used for something else.

- **FirstVision** paths answer \`{ "hasError": true, "errors": [{ "code", "description" }], "data": null }\`.
  Where FirstVision documents a code for an operation, that code is sent, with status 422; all others
  are ours.
- **Cardtokens** paths answer \`{ "code", "message", "correlationID" }\`. A failure is never a status letter.
- Any other path answers RFC 9457 \`application/problem+json\` with \`code\` and \`requestId\`.

A bug is a 500 with code \`INTERNAL\` and the request id, which is also in the log and in the
\`x-request-id\` header of every answer. No message repeats a value that was sent.

| code | kind | meaning | FirstVision | Cardtokens |
|---|---|---|---|---|
`;

/** The whole of docs/errors.md. */
export function renderErrorsDoc(): string {
  const codes = Object.keys(REFUSALS) as RefusalCode[];
  return HEAD + codes.map(rowOf).join('') + documentedCodes();
}

function rowOf(code: RefusalCode): string {
  const { kind, title } = REFUSALS[code];
  const firstVision = firstVisionError({ code, kind }, '').status;
  const cardtokens = STATUS_OF_TRANSPORT[code] ?? CARDTOKENS_STATUS[kind];
  return `| \`${code}\` | ${kind} | ${title} | ${firstVision} | ${cardtokens} |\n`;
}

function documentedCodes(): string {
  let text = '\n## Codes that FirstVision documents\n';
  for (const [path, codes] of Object.entries(FIRSTVISION_CODES)) {
    text += `\n\`${path}\`, all with status 422:\n\n| FirstVision | ours |\n|---|---|\n`;
    const byDocumented = Object.groupBy(Object.entries(codes), ([, documented]) => documented);
    for (const [documented, pairs] of Object.entries(byDocumented)) {
      text += `| ${documented} | ${(pairs ?? []).map(([ours]) => `\`${ours}\``).join(', ')} |\n`;
    }
  }
  return text;
}

if (import.meta.main) writeFileSync(PATH, renderErrorsDoc());
