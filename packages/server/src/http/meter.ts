/** Who counts what is answered. It is told names from our own tables only, never what was sent. */
export interface HttpMeter {
  /** @param operation what the route does, or `other`. */
  answered(operation: string, status: number, seconds: number): void;
  refused(code: string): void;
}
