/** The rows of a part that the service has rejected, with their positions and values in the file. */
import { momentText } from './cells';
import { TARGETS, type Target } from './column-names';
import { withoutProtection } from './csv-cell';
import { CsvReader } from './csv-reader';
import { epochToMoment, parseEpochNumber } from './epoch-number';
import type { ServerFault } from './outcome';
import type { Part } from './part-builder';
import type { RejectedRow, RowFault } from './rows';

/** The content of a part that its faults refer to. */
export type SentRows = Pick<Part, 'body' | 'numbers'>;

/** Returns the rows that faults name. */
export function rejectedOf(part: SentRows, faults: readonly ServerFault[]): RejectedRow[] {
  if (faults.length === 0) return [];
  const records = new CsvReader(',').read(new TextDecoder().decode(part.body), true);
  const rows = new Map<number, RejectedRow>();
  for (const { loc, msg } of faults) {
    const index = loc.find((step) => typeof step === 'number');
    const number = index === undefined ? undefined : part.numbers[index];
    if (index === undefined || number === undefined) continue;
    const fault: RowFault = { field: fieldOf(loc.at(-1)), message: msg };
    const row = rows.get(index);
    if (row) row.faults.push(fault);
    else rows.set(index, { number, values: valuesOf(records[index + 1]?.cells ?? []), faults: [fault] });
  }
  return [...rows.values()];
}

function fieldOf(step: string | number | undefined): Target | null {
  return TARGETS.find((target) => target === step) ?? null;
}

/** Returns the values of a sent row. Its time becomes RFC 3339. */
function valuesOf([device = '', time = '', ...axes]: readonly string[]): string[] {
  const number = parseEpochNumber(time);
  const moment = number ? epochToMoment(number, 's') : time;
  return [withoutProtection(device), typeof moment === 'string' ? moment : momentText(moment), ...axes];
}
