export const JSON_TYPE = 'application/json; charset=utf-8';

/** Of every answer: nothing of ours may be stored on the way. */
export function headersOfAnswer(requestId: string): Record<string, string> {
  return {
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'x-request-id': requestId,
  };
}
