/** The names of the owners of listed devices. Loaded once for each user, a few at a time. */
import { api, dataOf } from '../api/client';

/** Names that are kept. Beyond it, all are forgotten and loaded again when they are needed. */
const NAMES_MAX = 5_000;

class Owners {
  #names = $state<Record<number, string>>({});
  #asked = new Set<number>();

  /** Returns the name of a user; `undefined` while it is not known. */
  nameOf(id: number): string | undefined {
    return this.#names[id];
  }

  /** Loads the names of users that are not known yet. A user that cannot be loaded keeps its number as its name. */
  find(ids: readonly number[]): void {
    const unknown = [...new Set(ids)].filter((id) => !this.#asked.has(id));
    if (this.#asked.size + unknown.length > NAMES_MAX) {
      this.#asked.clear();
      this.#names = {};
    }
    unknown.forEach((id) => this.#asked.add(id));
    void this.#load(unknown);
  }

  /** Forgets the name of a user that has been renamed. */
  forget(id: number): void {
    this.#asked.delete(id);
    delete this.#names[id];
  }

  async #load(ids: readonly number[]): Promise<void> {
    for (const user_id of ids) {
      try {
        const user = await dataOf(api.GET('/api/v1/users/{user_id}', { params: { path: { user_id } } }));
        this.#names[user_id] = user.username;
      } catch {
        this.#asked.delete(user_id);
        return;
      }
    }
  }
}

export const owners = new Owners();
