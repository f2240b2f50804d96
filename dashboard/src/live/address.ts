/** The addresses of live streams. */
import type { Subject } from '../shared/subject';
import { DEVICE_RATE, USER_RATE } from './limits';

/** Returns the address of the live stream of a subject. */
export function liveAddress(subject: Subject): string {
  return 'deviceId' in subject
    ? `/api/v1/stats/devices/${encodeURIComponent(subject.deviceId)}/live?rate=${DEVICE_RATE}`
    : `/api/v1/stats/users/${subject.userId}/live?rate=${USER_RATE}`;
}
