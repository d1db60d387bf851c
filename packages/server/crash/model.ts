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
}

export interface Model {
  readonly cards: ModelCard[];
  readonly byToken: ReadonlyMap<string, ModelCard>;
  /** The ids under which the audit must have a record. */
  readonly requestIds: Set<string>;
  /** What cannot be; nothing while all is well. */
  readonly violations: string[];
  /** An answer said that this card exists. */
  acknowledge(pan: string | undefined, token: string): ModelCard;
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
    acknowledge(pan, token) {
      const card = {
        ...{ pan, token, acknowledgedChanges: 0, possibleChanges: 0, isEnded: false },
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
