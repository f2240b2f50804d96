/**
 * Cuts JSON values out of a text without parsing them: the lines of NDJSON, or the elements of an array. It
 * interprets only the characters that determine the end of a value.
 */
import { FileFault } from './file-fault';
import { ROW_CHARS_MAX } from './limits';

export interface JsonText {
  /** Line on which it begins, from 1. */
  line: number;
  text: string;
}

export class JsonSplitter {
  #rest = '';
  #line = 1;
  #state: 'lines' | 'before' | 'first' | 'next' | 'after';

  constructor(layout: 'lines' | 'array') {
    this.#state = layout === 'lines' ? 'lines' : 'before';
  }

  /** Returns the values that are complete after a piece of text; `isLast` completes the last line. */
  read(piece: string, isLast: boolean): JsonText[] {
    const text = this.#rest + piece;
    const values: JsonText[] = [];
    const end =
      this.#state === 'lines' ? this.#readLines(text, isLast, values) : this.#readArray(text, values);
    this.#rest = text.slice(end);
    if (this.#rest.length > ROW_CHARS_MAX) throw this.#fault('the row is too long');
    if (isLast && this.#state !== 'lines' && this.#state !== 'after') {
      throw this.#fault(this.#state === 'before' ? 'the file has no JSON' : 'the array is not closed');
    }
    return values;
  }

  #readLines(text: string, isLast: boolean, values: JsonText[]): number {
    let at = 0;
    while (at < text.length) {
      const feed = text.indexOf('\n', at);
      if (feed < 0 && !isLast) break;
      const end = feed < 0 ? text.length : feed;
      const line = text.slice(at, end);
      if (line.trim() !== '') values.push({ line: this.#line, text: line });
      this.#line += 1;
      at = Math.min(end + 1, text.length);
    }
    return at;
  }

  #readArray(text: string, values: JsonText[]): number {
    let at = 0;
    for (;;) {
      at = this.#skipSpace(text, at);
      const character = text[at];
      if (character === undefined) return at;
      if (this.#state === 'before') {
        if (character !== '[') throw this.#fault('the file must contain an array of objects');
        this.#state = 'first';
        at += 1;
        continue;
      }
      if (this.#state === 'after') throw this.#fault('something follows the array');
      if (character === ']' && this.#state === 'first') {
        this.#state = 'after';
        at += 1;
        continue;
      }
      if (character === ']' || character === ',') throw this.#fault('an element is missing');
      const end = this.#endOfElement(text, at);
      if (end === null) return at;
      const element = text.slice(at, end);
      values.push({ line: this.#line, text: element });
      this.#line += count(element, '\n');
      this.#state = text[end] === ',' ? 'next' : 'after';
      at = end + 1;
    }
  }

  #skipSpace(text: string, begin: number): number {
    let at = begin;
    for (; at < text.length; at += 1) {
      const character = text[at];
      if (character === '\n') this.#line += 1;
      else if (character !== ' ' && character !== '\t' && character !== '\r') break;
    }
    return at;
  }

  /** Returns the position of the comma or bracket after an element; `null` if the element is not complete. */
  #endOfElement(text: string, begin: number): number | null {
    let depth = 0;
    for (let at = begin; at < text.length; at += 1) {
      const character = text[at];
      if (character === '"') {
        const quote = endOfString(text, at + 1);
        if (quote === null) return null;
        at = quote;
      } else if (character === '{' || character === '[') {
        depth += 1;
      } else if (character === '}' || character === ']') {
        if (depth === 0 && character === ']') return at;
        depth -= 1;
      } else if (character === ',' && depth <= 0) {
        return at;
      }
    }
    return null;
  }

  #fault(problem: string): FileFault {
    return new FileFault(`Line ${this.#line}: ${problem}.`);
  }
}

/** Returns the position of the quote that closes a string; `null` if the text has none. */
function endOfString(text: string, begin: number): number | null {
  for (let at = text.indexOf('"', begin); at >= 0; at = text.indexOf('"', at + 1)) {
    let slashes = 0;
    while (text[at - 1 - slashes] === '\\') slashes += 1;
    if (slashes % 2 === 0) return at;
  }
  return null;
}

function count(text: string, character: string): number {
  let number = 0;
  for (let at = text.indexOf(character); at >= 0; at = text.indexOf(character, at + 1)) number += 1;
  return number;
}
