/** The view as the query of an address, and back. A link shows the same view. */
import { conditionsFromQuery, conditionsToQuery } from '../access/conditions';
import { rangeFromQuery, rangeToQuery } from '../time/range';
import { AXES, DEVICE_TABS, PAGES, START, STATES, type Axis, type MeasuredAxis, type View } from './view';

/** Prefix of the parameters of the second window. */
const COMPARE = 'vs-';
/** Prefix of the conditions on the audit log. */
const ABOUT = 'about-';
const PERCENTILES_MAX = 20;

/** Returns the address of a view: `/?device=pump-7&last=6h`. Parts that equal those of the start are left out. */
export function toAddress(view: View): string {
  const query = new URLSearchParams();
  if (view.page === 'device' && view.deviceId !== null) query.set('device', view.deviceId);
  else if (view.page === 'user' && view.userId !== null) query.set('user', String(view.userId));
  else if (view.page !== 'fleet') query.set('page', view.page);
  if (view.page === 'fleet') {
    if (view.userId !== null) query.set('owner', String(view.userId));
    if (view.search) query.set('search', view.search);
    if (view.state) query.set('state', view.state);
  }
  if (view.page === 'device' || view.page === 'user') {
    for (const [name, value] of Object.entries(rangeToQuery(view.range))) query.set(name, value);
    if (view.axes.join() !== START.axes.join()) query.set('axes', view.axes.join());
    if (view.percentiles.join() !== START.percentiles.join())
      query.set('percentiles', view.percentiles.join());
  }
  if (view.page === 'device' && view.tab !== START.tab) {
    query.set('tab', view.tab);
    if (view.pathAxes.join() !== START.pathAxes.join()) query.set('path', view.pathAxes.join());
  }
  if (view.page === 'user' && view.compareWith) {
    for (const [name, value] of Object.entries(rangeToQuery(view.compareWith)))
      query.set(COMPARE + name, value);
  }
  if (view.page === 'audit') {
    for (const [name, value] of Object.entries(conditionsToQuery(view.audit))) query.set(ABOUT + name, value);
  }
  if (view.zone !== null) query.set('zone', view.zone);
  // Commas, colons and slashes are allowed in a query (RFC 3986, section 3.4) and are easier to read.
  const text = query.toString().replaceAll('%2C', ',').replaceAll('%3A', ':').replaceAll('%2F', '/');
  return text ? `/?${text}` : '/';
}

/** Returns the view of an address. Parts that are missing or not valid are those of the start. */
export function fromAddress(search: string): View {
  const query = new URLSearchParams(search);
  const deviceId = query.get('device');
  const userId = wholeNumber(query.get('user') ?? query.get('owner'));
  let page = oneOf(PAGES, query.get('page')) ?? START.page;
  if (deviceId !== null) page = 'device';
  else if (query.has('user') && userId !== null) page = 'user';
  else if (page === 'device' || page === 'user') page = START.page;
  return {
    page,
    deviceId,
    userId,
    range: rangeFromQuery(query) ?? START.range,
    compareWith: rangeFromQuery(withoutPrefix(query, COMPARE)),
    zone: zoneOf(query.get('zone')),
    tab: oneOf(DEVICE_TABS, query.get('tab')) ?? START.tab,
    axes: axesOf(query.get('axes')),
    pathAxes: pathAxesOf(query.get('path')),
    percentiles: percentilesOf(query.get('percentiles')),
    search: query.get('search') ?? START.search,
    state: oneOf(STATES, query.get('state')),
    audit: conditionsFromQuery(withoutPrefix(query, ABOUT)),
  };
}

function oneOf<T extends string>(words: readonly T[], text: string | null): T | null {
  return words.find((word) => word === text) ?? null;
}

function wholeNumber(text: string | null): number | null {
  const number = text === null || text === '' ? Number.NaN : Number(text);
  return Number.isSafeInteger(number) ? number : null;
}

function zoneOf(name: string | null): string | null {
  if (name === null) return null;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return name;
  } catch {
    return null;
  }
}

function axesOf(text: string | null): readonly Axis[] {
  const named = text?.split(',') ?? [];
  const axes = AXES.filter((axis) => named.includes(axis));
  return axes.length > 0 ? axes : START.axes;
}

function pathAxesOf(text: string | null): readonly [MeasuredAxis, MeasuredAxis] {
  const [across, up] = (text?.split(',') ?? []).filter(
    (axis) => axis === 'x' || axis === 'y' || axis === 'z',
  );
  return across && up && across !== up ? [across, up] : START.pathAxes;
}

function percentilesOf(text: string | null): readonly number[] {
  if (text === null) return START.percentiles;
  const numbers = text
    .split(',')
    .filter((part) => part !== '')
    .map(Number);
  const valid = numbers.filter((percent) => percent >= 0 && percent <= 100);
  return [...new Set(valid)].sort((a, b) => a - b).slice(0, PERCENTILES_MAX);
}

function withoutPrefix(query: URLSearchParams, prefix: string): URLSearchParams {
  const named = [...query].filter(([name]) => name.startsWith(prefix));
  return new URLSearchParams(named.map(([name, value]) => [name.slice(prefix.length), value]));
}
