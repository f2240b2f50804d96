/** The subject of statistics and of live readings: a device, or all devices of a user. */
export type Subject = { deviceId: string } | { userId: number };
