/**
 * Cells of CSV (RFC 4180) without formulas: a spreadsheet evaluates a text that begins with `=`, `+`, `-` or
 * `@`.
 */

/** Returns a text as a cell that is quoted if necessary and that no spreadsheet evaluates. */
export function csvCell(text: string): string {
  const plain = isFormula(text) ? `'${text}` : text;
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}

/** Returns the text of a cell, as it was before it was protected from spreadsheets. */
export function withoutProtection(cell: string): string {
  return cell.startsWith("'") && isFormula(cell.slice(1)) ? cell.slice(1) : cell;
}

/** Returns whether a text, without apostrophes in front, begins like a formula and is not a number. */
function isFormula(text: string): boolean {
  const plain = text.replace(/^'+/, '');
  if (!/^[=+\-@]/.test(plain)) return false;
  return plain !== text || !/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(plain);
}
