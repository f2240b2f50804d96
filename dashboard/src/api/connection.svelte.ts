/** Whether the server answers. The page says so when it does not, and finds out when it answers again. */

const RETRY_MS = 2_000;

class Connection {
  /** Whether the last request got no answer. */
  isLost = $state(false);
  /** Number of times that the server has answered again after it was lost. Views reload when it changes. */
  restored = $state(0);
  #timer: ReturnType<typeof setTimeout> | null = null;

  noteLost(): void {
    this.isLost = true;
    this.#timer ??= setTimeout(() => void this.#probe(), RETRY_MS);
  }

  noteAnswer(): void {
    if (!this.isLost) return;
    this.isLost = false;
    this.restored += 1;
  }

  async #probe(): Promise<void> {
    this.#timer = null;
    try {
      const response = await fetch('/health/live', { cache: 'no-store' });
      if (response.ok) this.noteAnswer();
      else this.noteLost();
    } catch {
      this.noteLost();
    }
  }
}

export const connection = new Connection();
