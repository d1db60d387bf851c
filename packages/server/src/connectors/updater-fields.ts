import type { KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Fields } from './reply-fields.ts';

/** What {@link makeFields} gives. */
export interface UpdaterFields {
  wrong(name: string): Error;
  text(name: string): string;
  optionalText(name: string): string | undefined;
  texts(name: string): readonly string[];
  section(name: string): UpdaterFields | undefined;
  url(name: string): string;
  integer(name: string, byDefault: number, max: number): number;
  file(name: string): string;
  optionalFile(name: string): string | undefined;
  key(name: string, parse: (pem: string) => KeyObject): KeyObject;
  enrolments<T>(isFit: (enrolment: Fields) => boolean): (merchantId: string) => T | undefined;
}

/** Reads the fields of one section; whatever is wrong is an error that names it. */
export function makeFields(
  path: string,
  home: string,
  section: string,
  given: unknown,
): UpdaterFields {
  if (typeof given !== 'object' || given === null) throw wrong(path, section);
  const values = given as Fields;
  const fail = (name: string) => wrong(path, `${section}.${name}`);
  const fields: UpdaterFields = {
    wrong: fail,
    text(name: string): string {
      const value = values[name];
      if (typeof value !== 'string' || value === '') throw fail(name);
      return value;
    },
    optionalText: (name: string) => (values[name] === undefined ? undefined : fields.text(name)),
    texts(name: string): readonly string[] {
      const list = values[name] ?? [];
      if (!Array.isArray(list) || !list.every((each) => typeof each === 'string')) {
        throw fail(name);
      }
      return list;
    },
    /** A section of this section; undefined when it is not there. */
    section(name: string): UpdaterFields | undefined {
      if (values[name] === undefined) return undefined;
      return makeFields(path, home, `${section}.${name}`, values[name]);
    },
    url(name: string): string {
      const text = fields.text(name);
      if (!/^https:\/\/[^\s?#]*[^\s?#/]$/.test(text)) throw fail(name);
      return text;
    },
    integer(name: string, byDefault: number, max: number): number {
      const value = values[name] ?? byDefault;
      const isFit = typeof value === 'number' && Number.isInteger(value);
      if (!isFit || value < 1 || value > max) throw fail(name);
      return value;
    },
    /** Paths are relative to the folder of the service. */
    file(name: string): string {
      const file = resolve(home, fields.text(name));
      return reading(path, `${section}.${name}`, () => readFileSync(file, 'utf8'));
    },
    optionalFile: (name: string) => (values[name] === undefined ? undefined : fields.file(name)),
    key(name: string, parse: (pem: string) => KeyObject): KeyObject {
      const pem = fields.file(name);
      return reading(path, `${section}.${name}`, () => parse(pem));
    },
    /** By merchant id; `*` is for those that have no entry of their own. */
    enrolments<T>(isFit: (enrolment: Fields) => boolean) {
      const all = values.merchants;
      if (typeof all !== 'object' || all === null) throw fail('merchants');
      const byMerchant = new Map(Object.entries(all as Record<string, Fields>));
      for (const [merchant, enrolment] of byMerchant) {
        if (!isFit(enrolment)) throw fail(`merchants.${merchant}`);
      }
      return (merchantId: string) =>
        (byMerchant.get(merchantId) ?? byMerchant.get('*')) as T | undefined;
    },
  };
  return fields;
}

export function wrong(path: string, field: string): Error {
  return new Error(`${path}: ${field} is missing or wrong`);
}

export function reading<T>(path: string, field: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new Error(`${path}: ${field} cannot be read (${code ?? 'wrong form'})`);
  }
}
