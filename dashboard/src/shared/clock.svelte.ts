/** The present time of views that show "3 min ago": one timer for the whole page. */

const TICK_MS = 1_000;

class Clock {
  /** Microseconds since 1970, renewed every second. */
  nowUs = $state(Date.now() * 1000);

  constructor() {
    setInterval(() => (this.nowUs = Date.now() * 1000), TICK_MS);
  }
}

export const clock = new Clock();
