/** Parses a stream of server-sent events (WHATWG HTML, "Server-sent events") from any chunks of its text. */
import { EVENT_CHARS_MAX } from './limits';

export interface StreamEvent {
  /** Name of the event; `message` if the stream gives none. */
  type: string;
  data: string;
}

export class EventTooLong extends Error {}

const LINE_END = /\r\n|\n|\r/g;

/** The parser of one connection. */
export class EventParser {
  /** Id of the last complete block; empty before the first id. A reconnecting client sends it. */
  lastEventId = '';
  #id = '';
  #type = '';
  #data = '';
  /** The start of a line whose end has not arrived. */
  #line = '';
  #endsWithCr = false;
  #isStart = true;

  /** Reads the next chunk. Returns the events that it completes. Throws `EventTooLong`. */
  push(chunk: string): StreamEvent[] {
    const events: StreamEvent[] = [];
    let text = chunk;
    if (this.#isStart && text !== '') {
      this.#isStart = false;
      if (text.startsWith('\uFEFF')) text = text.slice(1);
    }
    // A line feed after a carriage return belongs to the line end of the previous chunk.
    if (this.#endsWithCr && text !== '') {
      this.#endsWithCr = false;
      if (text.startsWith('\n')) text = text.slice(1);
    }
    let start = 0;
    for (const { index, 0: end } of text.matchAll(LINE_END)) {
      const event = this.#readLine(this.#line + text.slice(start, index));
      if (event) events.push(event);
      this.#line = '';
      start = index + end.length;
    }
    this.#endsWithCr ||= text.endsWith('\r');
    this.#line += text.slice(start);
    if (this.#line.length + this.#data.length > EVENT_CHARS_MAX) throw new EventTooLong();
    return events;
  }

  #readLine(line: string): StreamEvent | null {
    if (line === '') return this.#completeBlock();
    const colon = line.indexOf(':');
    if (colon === 0) return null;
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (name === 'data') this.#data += `${value}\n`;
    else if (name === 'event') this.#type = value;
    else if (name === 'id' && !value.includes('\0')) this.#id = value;
    return null;
  }

  #completeBlock(): StreamEvent | null {
    const event = { type: this.#type || 'message', data: this.#data.slice(0, -1) };
    const isEvent = this.#data !== '';
    this.lastEventId = this.#id;
    this.#type = '';
    this.#data = '';
    return isEvent ? event : null;
  }
}
