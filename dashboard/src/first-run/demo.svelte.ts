/** The demonstration: a user with three devices, whose signals the service generates. */
import { api, dataOf, type Schema } from '../api/client';
import { Loaded } from '../api/loaded.svelte';

class Demo {
  loaded = new Loaded<Schema['Demo']>();

  /** Whether its devices exist. A user with the same name alone can be a person. */
  get exists(): boolean {
    return (this.loaded.value?.device_ids.length ?? 0) > 0;
  }

  get isRunning(): boolean {
    return this.loaded.value?.running ?? false;
  }

  async load(): Promise<void> {
    await this.loaded.load((signal) => dataOf(api.GET('/api/v1/demo', { signal })));
  }

  /** Creates the user and its devices, unless they exist, and starts the signals. */
  async start(): Promise<void> {
    const started = dataOf(api.POST('/api/v1/demo'));
    await this.loaded.load(() => started);
    // A fault is shown where the person has started it.
    await started;
  }

  /** Stops the signals. The user, its devices and their readings stay. */
  async stop(): Promise<void> {
    await api.DELETE('/api/v1/demo');
    await this.load();
  }
}

export const demo = new Demo();
