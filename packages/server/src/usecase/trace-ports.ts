/** Follows requests through the service. It is told names of ours, and never what was sent. */
export interface Tracer {
  /** @param traceparent as the client sent it. */
  begin(requestId: string, traceparent: string | undefined): void;
  refused(requestId: string, code: string): void;
  end(
    requestId: string,
    answer: {
      readonly method: string;
      /** As it is registered; undefined: no route. */
      readonly route: string | undefined;
      readonly action: string | undefined;
      readonly status: number;
    },
  ): void;
  isTraced(requestId: string): boolean;
  /** A part of a request that ends now. */
  inner(
    requestId: string,
    startMs: number,
    facts: { readonly action: string; readonly outcome: string },
  ): void;
  /** Milliseconds since 1970, with fractions. */
  nowMs(): number;
}
