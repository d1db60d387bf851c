import { type TSchema, Type } from 'typebox';

/** What FirstVision wraps every answer in. */
export function envelopeOf<T extends TSchema>(data: T) {
  return Type.Object({
    hasError: Type.Literal(false),
    errors: Type.Array(Type.Unknown(), { maxItems: 0 }),
    data,
  });
}

export function success<T>(data: T): { hasError: false; errors: never[]; data: T } {
  return { hasError: false, errors: [], data };
}
