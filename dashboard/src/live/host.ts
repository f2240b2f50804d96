/** Runs the streams in real time: in the shared worker, or in a tab that has none. */
import { fetchTransport } from './connection';
import { BATCH_INTERVAL_MS } from './limits';
import type { FromTab, ToTab } from './messages';
import { Streams } from './streams';

/** Starts the streams. Returns the function that takes the messages of the tabs. */
export function hostStreams(
  connectionsMax: number,
  post: (tab: number, message: ToTab) => void,
): (tab: number, message: FromTab) => void {
  let timer: ReturnType<typeof setInterval> | null = null;
  const streams: Streams = new Streams({ connectionsMax, post, transport: fetchTransport(() => streams) });

  function tick() {
    streams.tick(performance.now());
    if (streams.isActive || timer === null) return;
    clearInterval(timer);
    timer = null;
  }

  return (tab, message) => {
    streams.receive(tab, message, performance.now());
    if (streams.isActive) timer ??= setInterval(tick, BATCH_INTERVAL_MS);
  };
}
