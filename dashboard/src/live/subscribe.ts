/**
 * Live readings for the parts of the page. All tabs share their streams through a shared worker. Without one, and if it
 * fails, the tab opens its own streams.
 */
import type { Subject } from '../shared/subject';
import { liveAddress } from './address';
import { hostStreams } from './host';
import { OWN_STREAMS_MAX, PING_INTERVAL_MS, UNANSWERED_PINGS_MAX, WORKER_START_MAX_MS } from './limits';
import type { FromTab, ToTab } from './messages';
import { TabSubscriptions, type Listener } from './tab';

export type { LiveReading, StreamState } from './messages';

/** Sends a message to the owner of the streams. */
type Post = (message: FromTab) => void;

/** The number of this tab among the tabs of its own streams. */
const ONLY_TAB = 0;

let post: Post | null = null;
/** Questions of the shared worker that are due since its last message; `null` without a shared worker. */
let silentPings: number | null = null;
const subscriptions = new TabSubscriptions(
  (message) => post?.(message),
  () => document.hidden,
);

/**
 * Watches the readings of a subject as they are committed. Of a device with more readings per second than the limit of
 * the stream, some are left out. Returns the function that ends the subscription.
 */
export function subscribe(subject: Subject, listener: Listener): () => void {
  if (post === null) start();
  return subscriptions.subscribe(liveAddress(subject), listener);
}

function start(): void {
  post = typeof SharedWorker === 'undefined' ? ownStreams() : sharedStreams();
  document.addEventListener('visibilitychange', () => {
    post?.({ kind: 'visibility', isHidden: document.hidden });
  });
  addEventListener('online', () => post?.({ kind: 'retry' }));
  // A page in the cache for "back" does not run. It subscribes again when it is shown.
  addEventListener('pagehide', () => post?.({ kind: 'leave' }));
  addEventListener('pageshow', ({ persisted }) => {
    if (persisted) subscriptions.announceAll();
  });
}

function sharedStreams(): Post {
  let port: MessagePort;
  try {
    const worker = new SharedWorker(new URL('./worker.ts', import.meta.url), {
      type: 'module',
      name: 'live',
    });
    worker.onerror = () => useOwnStreams();
    port = worker.port;
  } catch {
    return ownStreams();
  }
  silentPings = 0;
  let isStarted = false;
  port.onmessage = ({ data }: MessageEvent<ToTab>) => {
    if (silentPings === null) return;
    isStarted = true;
    silentPings = 0;
    subscriptions.receive(data);
  };
  setTimeout(() => {
    if (!isStarted && subscriptions.isUsed) useOwnStreams();
  }, WORKER_START_MAX_MS);
  setInterval(() => {
    if (silentPings === null) return;
    silentPings = document.hidden || !subscriptions.isUsed ? 0 : silentPings + 1;
    if (silentPings > UNANSWERED_PINGS_MAX) useOwnStreams();
  }, PING_INTERVAL_MS);
  return (message) => port.postMessage(message);
}

/** Stops using the shared worker, which failed. */
function useOwnStreams(): void {
  if (silentPings === null) return;
  silentPings = null;
  post?.({ kind: 'leave' });
  post = ownStreams();
  subscriptions.announceAll();
}

function ownStreams(): Post {
  const receive = hostStreams(OWN_STREAMS_MAX, (_tab, message) => subscriptions.receive(message));
  return (message) => receive(ONLY_TAB, message);
}
