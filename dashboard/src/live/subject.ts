/** The subject of a live stream: a device, or all devices of a user. */
import { DEVICE_RATE, USER_RATE } from './limits';

export type Subject = { deviceId: string } | { userId: number };

/** Returns the address of the live stream of a subject. */
export function liveAddress(subject: Subject): string {
  return 'deviceId' in subject
    ? `/api/v1/stats/devices/${encodeURIComponent(subject.deviceId)}/live?rate=${DEVICE_RATE}`
    : `/api/v1/stats/users/${subject.userId}/live?rate=${USER_RATE}`;
}
