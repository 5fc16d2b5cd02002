/**
 * Watches for how long this thread keeps others waiting: the most CPU time between two turns of its event loop. CPU time
 * and not the clock's, so that what else the machine does counts for nothing.
 */
export class LoopWatch {
  #mostMs = 0;
  #last = process.threadCpuUsage();
  readonly #timer = setInterval(() => this.#look(), LOOK_MS).unref();

  /** In ms, since the last call. What the present turn has taken so far counts too. */
  take(): number {
    this.#look();
    const most = this.#mostMs;
    this.#mostMs = 0;
    return most;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const { user, system } = process.threadCpuUsage(this.#last);
    this.#last = process.threadCpuUsage();
    this.#mostMs = Math.max(this.#mostMs, (user + system) / 1_000);
  }
}

const LOOK_MS = 1;
