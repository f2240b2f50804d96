/** The rules of the server for the id of a device and for a number, with its words. */
import { numberText, isTypedTime, type Cell } from './cells';

const DEVICE_BYTES_MAX = 255;
/** The characters of a decimal number. `Number` also reads other texts, such as `0x10`. */
const DECIMAL = /^[\d.eE+-]+$/;
const NOT_FINITE = /^[+-]?(?:inf|infinity|nan)$/i;
const encoder = new TextEncoder();

/** A value that a rule refuses. */
export class Fault {
  constructor(readonly message: string) {}
}

const NOT_A_TEXT = new Fault('Input should be a valid string');
const NOT_A_NUMBER = new Fault('Input should be a valid number');
const EMPTY_NUMBER = new Fault('Input should be a valid number, the string is empty');
const NOT_PARSED = new Fault('Input should be a valid number, unable to parse string as a number');
const INFINITE = new Fault('Input should be a finite number');
const HAS_POINT = new Fault('Input should be a valid number with a decimal comma, without a point');
const INEXACT = new Fault('Input should be an integer that a double holds exactly');

/** Returns the rule that a text breaks as the id of a device; `null` if it breaks none. */
export function deviceFault(id: string): string | null {
  if (id === '') return 'String should have at least 1 character';
  if (encoder.encode(id).length > DEVICE_BYTES_MAX)
    return `String should have at most ${DEVICE_BYTES_MAX} bytes`;
  if (id.includes('\0')) return 'Value error, the text contains a NUL character';
  if (/\p{Cc}/u.test(id)) return 'Value error, the text contains a control character';
  if (id.trim() !== id) return 'Value error, the text begins or ends with a space';
  if (id === '.' || id === '..') return "Value error, the text is '.' or '..', which a path cannot contain";
  if (/[\uFFFD\p{Surrogate}]/u.test(id))
    return 'the text has another encoding; choose the encoding of the file';
  return null;
}

/** Returns the text of the id of a device. */
export function deviceText(cell: Cell | undefined): string | Fault {
  if (typeof cell === 'string') return cell;
  if (typeof cell === 'bigint' || (typeof cell === 'number' && Number.isSafeInteger(cell)))
    return String(cell);
  return NOT_A_TEXT;
}

/** Returns the text of a number as the server reads it. */
export function numberOf(cell: Cell | undefined, hasDecimalComma: boolean): string | Fault {
  if (typeof cell === 'number') return Number.isFinite(cell) ? numberText(cell) : INFINITE;
  if (typeof cell === 'bigint') return BigInt(Number(cell)) === cell ? String(cell) : INEXACT;
  if (typeof cell === 'boolean') return cell ? '1' : '0';
  if (cell === null || cell === undefined || isTypedTime(cell)) return NOT_A_NUMBER;
  return numberInText(cell.trim(), hasDecimalComma);
}

function numberInText(text: string, hasDecimalComma: boolean): string | Fault {
  if (text === '') return EMPTY_NUMBER;
  if (hasDecimalComma && text.includes('.')) return HAS_POINT;
  const number = hasDecimalComma ? text.replace(',', '.') : text;
  if (!DECIMAL.test(number)) return NOT_FINITE.test(number) ? INFINITE : NOT_PARSED;
  const value = Number(number);
  if (Number.isFinite(value)) return number;
  return Number.isNaN(value) ? NOT_PARSED : INFINITE;
}
