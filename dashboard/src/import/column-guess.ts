/**
 * Guesses the meaning of the columns of a file, by the rules of the command `device-stats import`
 * (`column_guess.rs`). The page shows the guess, and the user corrects it before anything is sent.
 */
import { cellText, isTypedTime, type SourceRow } from './cells';
import { contentOf, type Content } from './column-content';
import { DATES, isSimilar, mayBeDevice, TARGETS, TIMES_OF_DAY, toPlain, type Target } from './column-names';
import { planOf, type Mapping, type Role } from './mapping';
import { PLAIN_TIMES } from './file-times';
import type { SourceColumn } from './row-source';
import { formsOf } from './time-guess';

interface Column {
  at: number;
  name: string;
  content: Content;
}

/** Returns the most probable mapping of a file, and what could be wrong with it. */
export function guessMapping(
  columns: readonly SourceColumn[],
  rows: readonly SourceRow[],
  hasHeader: boolean,
): Mapping {
  const first = rows.find((row) => row.problem === undefined);
  const readable = columns
    .map((column, at) => ({
      at,
      name: column.name,
      content: contentOf(first?.cells[at]),
      isReadable: column.isReadable,
    }))
    .filter((column) => column.isReadable);
  const roles = Array.from(columns, (): Role | null => null);
  if (hasHeader) assignByName(readable, roles);
  else assignByContent(readable, roles);
  const mapping: Mapping = {
    roles,
    device: '',
    hasDecimalComma: hasDecimalComma(roles, rows),
    times: PLAIN_TIMES,
    missingTimesAreNow: false,
  };
  const form = formsOf(mapping, rows);
  return form.length === 1 ? { ...mapping, times: { ...PLAIN_TIMES, form: form[0]! } } : mapping;
}

/** Describes what a reading would lose with the ignored columns. */
export function doubtsOf(
  columns: readonly SourceColumn[],
  rows: readonly SourceRow[],
  mapping: Mapping,
): string[] {
  if (mapping.roles.includes('device_id')) return [];
  const first = rows.find((row) => row.problem === undefined);
  const isDevice = (name: string, at: number) => contentOf(first?.cells[at]) === 'text' || mayBeDevice(name);
  const devices = columns.filter(({ name }, at) => mapping.roles[at] === null && isDevice(name, at));
  if (devices.length === 0) return [];
  const names = devices.map(({ name }) => `“${name}”`).join(', ');
  return [`All rows are stored as one device. If a column names the device (${names}?), choose it instead.`];
}

function assignByName(columns: readonly Column[], roles: (Role | null)[]): void {
  for (const target of TARGETS) {
    const exact =
      columns.find(({ name }) => name === target) ?? columns.find(({ name }) => toPlain(name) === target);
    if (exact) roles[exact.at] = target;
  }
  const has = (target: Target) => roles.includes(target);
  const free = () => columns.filter(({ at }) => roles[at] === null);
  for (const axis of ['x', 'y', 'z'] as const) {
    if (!has(axis))
      assign(
        roles,
        axis,
        only(free(), ({ name }) => isSimilar(name, axis)),
      );
  }
  if (!has('device_id')) assign(roles, 'device_id', deviceOf(free()));
  if (!has('timestamp')) assignTime(free(), roles);
}

/** Assigns the columns of a table without a header: three numbers are x, y and z. */
function assignByContent(columns: readonly Column[], roles: (Role | null)[]): void {
  assign(
    roles,
    'device_id',
    only(columns, ({ content }) => content === 'text'),
  );
  assignTime(
    columns.filter(({ at }) => roles[at] === null),
    roles,
  );
  const numbers = columns.filter(({ at, content }) => content === 'number' && roles[at] === null);
  if (numbers.length !== 3) return;
  for (const [index, axis] of (['x', 'y', 'z'] as const).entries()) assign(roles, axis, numbers[index]);
}

function assign(roles: (Role | null)[], role: Role, column: Column | undefined): void {
  if (column) roles[column.at] = role;
}

/** Returns the only column for which a statement holds. */
function only(columns: readonly Column[], isMeant: (column: Column) => boolean): Column | undefined {
  const found = columns.filter(isMeant);
  return found.length === 1 ? found[0] : undefined;
}

/** Returns the column of the device, by its name. A number called `id` may count the rows. */
function deviceOf(columns: readonly Column[]): Column | undefined {
  const counts = ({ name, content }: Column) => toPlain(name) === 'id' && content === 'number';
  return (
    only(columns, ({ name }) => isSimilar(name, 'device_id')) ??
    only(columns, (column) => mayBeDevice(column.name) && !counts(column))
  );
}

/** Assigns the column or the two columns of the time, by the names, otherwise by the first values. */
function assignTime(columns: readonly Column[], roles: (Role | null)[]): void {
  const has = (wanted: Content) => only(columns, ({ content }) => content === wanted);
  const pair = (date: Column | undefined, time: Column | undefined) =>
    date && time ? [date, time] : undefined;
  const one = (column: Column | undefined) => (column ? [column] : undefined);
  const isTime = ({ name }: Column) => isSimilar(name, 'timestamp');
  const [date, time] =
    pair(
      only(columns, ({ name }) => DATES.has(toPlain(name))),
      only(columns, ({ name, content }) => TIMES_OF_DAY.has(toPlain(name)) && content !== 'moment'),
    ) ??
    one(only(columns, isTime)) ??
    one(only(columns, (column) => isTime(column) && column.content === 'moment')) ??
    one(has('moment')) ??
    pair(has('date'), has('time of day')) ??
    one(has('date')) ??
    [];
  assign(roles, 'timestamp', date);
  assign(roles, 'time_of_day', time);
}

/** Returns whether a number of the first rows has a decimal comma. */
function hasDecimalComma(roles: readonly (Role | null)[], rows: readonly SourceRow[]): boolean {
  const { x, y, z } = planOf(roles);
  const axes = [x, y, z].filter((at) => at !== null);
  return rows.some(({ cells, problem }) => {
    if (problem !== undefined) return false;
    const positions = axes.length === 3 ? axes : cells.map((_, at) => at);
    return positions.some(
      (at) => !isTypedTime(cells[at]) && /^[+-]?\d*,\d+(?:[eE][+-]?\d+)?$/.test(cellText(cells[at])),
    );
  });
}
