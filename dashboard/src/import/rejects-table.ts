/**
 * The table of rejected rows, as CSV. It has the form of `device-stats import --rejects`: after a correction
 * it can be imported, by the page or by the command.
 */
import { csvCell } from './csv-cell';
import type { RejectedRow, RowFault } from './rows';

const HEADER = ['file', 'row', 'reason', 'device_id', 'timestamp', 'x', 'y', 'z'];

export function rejectsTable(file: string, rows: readonly RejectedRow[]): string {
  const lines = rows.map((row) => [
    file,
    String(row.number),
    row.faults.map(faultText).join('; '),
    ...row.values,
  ]);
  return [HEADER, ...lines].map((cells) => `${cells.map(csvCell).join(',')}\n`).join('');
}

export function faultText({ field, message }: RowFault): string {
  return field === null ? message : `${field}: ${message}`;
}
