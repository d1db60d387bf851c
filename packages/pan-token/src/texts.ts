/** Texts in ASCII, one after the other: the same memory by bytes and by words. */
export interface Texts {
  readonly codes: Buffer;
  readonly view: DataView;
}

export function makeTexts(size: number): Texts {
  const codes = Buffer.alloc(size);
  return { codes, view: new DataView(codes.buffer, codes.byteOffset, size) };
}

/** Gives a text alone; see {@link placeText}. */
export function textsOf(text: string): Texts {
  const texts = makeTexts(text.length);
  placeText(text, texts);
  return texts;
}

/** Writes a text in front of all others. What is not ASCII becomes 0, which is no symbol. */
export function placeText(text: string, { codes }: Texts): void {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    codes[at] = code < 128 ? code : 0;
  }
}
