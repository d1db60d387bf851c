/** What the clients were told, and so what must be true ever after. */
export interface ModelCard {
  /** Undefined: the service drew it. */
  readonly pan: string | undefined;
  readonly token: string;
  /** Changes of its lineage that were acknowledged, and that may have happened. */
  acknowledgedChanges: number;
  possibleChanges: number;
  /** Replaced by a new number, or perhaps: nothing more may be done to it. */
  isEnded: boolean;
  /** Made by itself, not in place of another. */
  readonly isFirst: boolean;
  /** `asked`: it may be deleted. `done`: it is, and must not answer any more. */
  deletion?: 'asked' | 'done';
}

/** A request that may be sent again: by its `Idempotency-Key`, or by the reference it carries. */
export interface RepeatableRequest {
  readonly method: string;
  readonly path: string;
  readonly body: object;
  readonly key: string | undefined;
  /** Once it is answered, however often it was sent. `data` undefined: it was refused. */
  settle(data: unknown): void;
}

export interface Model {
  readonly cards: ModelCard[];
  readonly byToken: ReadonlyMap<string, ModelCard>;
  /** The ids under which the audit must have a record. */
  readonly requestIds: Set<string>;
  /** Requests whose answer was lost: sent again until they are answered. */
  readonly open: RepeatableRequest[];
  /** Requests with an `Idempotency-Key` that were answered, and how. */
  readonly answered: { readonly request: RepeatableRequest; readonly answer: string }[];
  /**
   * Creations that were refused, by the number they asked for. Now and then the service has drawn that number
   * itself, or another client has: then an acknowledged card has it. Else the refusal was wrong.
   */
  readonly refusedPans: string[];
  /** Cards that requests which cannot be repeated may have made, their answers being lost. */
  possibleCardCount: number;
  /** How often a lost answer was asked for again and came; how often one was asked for twice. */
  recoveredCount: number;
  repeatedCount: number;
  /** What cannot be; nothing while all is well. */
  readonly violations: string[];
  /** An answer said that this card exists. */
  acknowledge(pan: string | undefined, token: string, isFirst: boolean): ModelCard;
}

export function makeModel(): Model {
  const cards: ModelCard[] = [];
  const byToken = new Map<string, ModelCard>();
  const byPan = new Map<string, ModelCard>();
  const violations: string[] = [];
  return {
    cards,
    byToken,
    violations,
    requestIds: new Set(),
    open: [],
    answered: [],
    refusedPans: [],
    possibleCardCount: 0,
    recoveredCount: 0,
    repeatedCount: 0,
    acknowledge(pan, token, isFirst) {
      const card = {
        ...{ pan, token, acknowledgedChanges: 0, possibleChanges: 0, isEnded: false, isFirst },
      };
      if (byToken.has(token)) violations.push('one token was given to two cards');
      if (pan !== undefined && byPan.has(pan)) violations.push('one number was created twice');
      if (pan !== undefined) byPan.set(pan, card);
      byToken.set(token, card);
      cards.push(card);
      return card;
    },
  };
}
