/** Times and spans as text for people. */
import type { TimeUs } from './moment';

/** Returns a moment as text in a zone; `null` is the viewer's zone. */
export function momentText(us: TimeUs, zone: string | null): string {
  return new Intl.DateTimeFormat(undefined, {
    dateStyle: 'medium',
    timeStyle: 'medium',
    ...(zone && { timeZone: zone }),
  }).format(us / 1000);
}

/** Returns a span of time as text, such as "3 min". */
export function spanText(us: number): string {
  const s = us / 1e6;
  if (s < 90) return `${Math.round(s)} s`;
  if (s < 5400) return `${Math.round(s / 60)} min`;
  if (s < 129_600) return `${Math.round(s / 3600)} h`;
  return `${Math.round(s / 86_400)} d`;
}

/** Returns the distance of a moment from the present, such as "3 min ago". */
export function agoText(us: TimeUs, nowUs: TimeUs): string {
  const distance = nowUs - us;
  if (Math.abs(distance) < 1e6) return 'now';
  return distance > 0 ? `${spanText(distance)} ago` : `in ${spanText(-distance)}`;
}
