/** The number of readings that a deletion would delete. */
import { api, dataOf } from '../api/client';
import { presence } from '../api/stored-readings';

/** Returns the number of readings of a device. */
export async function countOfDevice(device_id: string, signal: AbortSignal): Promise<number> {
  const params = { path: { device_id } };
  const request = () => dataOf(api.GET('/api/v1/stats/devices/{device_id}/analysis', { params, signal }));
  const analysis = await presence.loadIfAny({ deviceId: device_id }, null, request, signal);
  return analysis?.x.count ?? 0;
}

/** Returns the number of readings of all devices of a user. */
export async function countOfUser(user_id: number, signal: AbortSignal): Promise<number> {
  const params = { path: { user_id } };
  const request = () => dataOf(api.GET('/api/v1/stats/users/{user_id}/analysis', { params, signal }));
  const analysis = await presence.loadIfAny({ userId: user_id }, null, request, signal);
  return analysis?.aggregate_stats.x.count ?? 0;
}
