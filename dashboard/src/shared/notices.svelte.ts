/** Short messages about what has been done, such as "Device deleted". They disappear by themselves. */

const SHOWN_MS = 5_000;
const NOTICES_MAX = 3;

class Notices {
  texts = $state<{ id: number; text: string }[]>([]);
  #next = 0;

  add(text: string): void {
    const id = this.#next++;
    this.texts = [...this.texts, { id, text }].slice(-NOTICES_MAX);
    setTimeout(() => (this.texts = this.texts.filter((notice) => notice.id !== id)), SHOWN_MS);
  }
}

export const notices = new Notices();
