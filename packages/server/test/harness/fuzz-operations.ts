import { readFileSync } from 'node:fs';
import { Compile } from 'typebox/schema';
import { OPENAPI_DOC } from '../../scripts/openapi-doc.ts';
import type { Request } from './send.ts';

/** As much of JSON Schema as the document uses. */
export interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly anyOf?: readonly Schema[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
}

interface Content {
  readonly content?: Readonly<Record<string, { readonly schema: Schema }>>;
}

export interface Operation {
  readonly method: Request['method'];
  readonly path: string;
  readonly contentType: string;
  readonly body: Schema;
  /** By status. */
  readonly answers: Readonly<Record<string, (value: unknown) => boolean>>;
}

/** The operations of docs/openapi.json, their answers ready to be checked. */
export function readOperations(): readonly Operation[] {
  const { paths } = JSON.parse(readFileSync(OPENAPI_DOC, 'utf8')) as {
    paths: Record<
      string,
      Record<string, { requestBody?: Content; responses: Record<string, Content> }>
    >;
  };
  return Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, { requestBody, responses }]) => {
      const [[contentType, { schema: body }] = ['', { schema: {} }]] = Object.entries(
        requestBody?.content ?? {},
      );
      const answers = Object.entries(responses).map(([status, { content }]) => {
        const schema = Object.values(content ?? {})[0]?.schema ?? {};
        const compiled = Compile(schema as never);
        return [status, (value: unknown) => compiled.Check(value)];
      });
      return {
        method: method.toUpperCase() as Request['method'],
        path,
        contentType,
        body,
        answers: Object.fromEntries(answers),
      };
    }),
  );
}
