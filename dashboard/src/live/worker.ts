/** The shared worker: it owns the streams of all tabs of this browser. */
import { hostStreams } from './host';
import { SHARED_STREAMS_MAX } from './limits';
import type { FromTab } from './messages';

interface Scope {
  onconnect: ((event: MessageEvent) => void) | null;
}

const ports = new Map<number, MessagePort>();
let tabs = 0;

const receive = hostStreams(SHARED_STREAMS_MAX, (tab, message) => {
  ports.get(tab)?.postMessage(message);
  if (message.kind === 'dropped') ports.delete(tab);
});

(self as unknown as Scope).onconnect = ({ ports: [port] }) => {
  if (!port) return;
  tabs += 1;
  const tab = tabs;
  port.onmessage = ({ data }: MessageEvent<FromTab>) => {
    if (data.kind === 'leave') ports.delete(tab);
    else ports.set(tab, port);
    receive(tab, data);
  };
};
