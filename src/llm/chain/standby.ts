// Somebody else at work beside one that has fallen silent: whoever goes on first is heard, the other is left.

export class Standby<Won> {
  readonly #open: (signal: AbortSignal) => Promise<Won | undefined>;
  readonly #leave: (won: Won) => void;
  #silence = Promise.withResolvers<Won>();
  #running: { readonly won: Promise<Won | undefined>; readonly abort: AbortController } | undefined;

  /** @param leave ends one that has won and is not needed */
  constructor(open: (signal: AbortSignal) => Promise<Won | undefined>, leave: (won: Won) => void) {
    this.#open = open;
    this.#leave = leave;
  }

  /** Resolves with the standby that was started during this silence, once it has a result. */
  get won(): Promise<Won> {
    return this.#silence.promise;
  }

  start(): void {
    if (this.#running) return;
    const abort = new AbortController();
    const { resolve } = this.#silence;
    const won = this.#open(abort.signal).then(
      (winner) => {
        if (winner !== undefined) resolve(winner);
        return winner;
      },
      () => undefined,
    );
    this.#running = { won, abort };
  }

  /** Call when the silence is over: ends the standby. */
  cancel(): void {
    if (!this.#running) return;
    this.#running.abort.abort();
    void this.#running.won.then((winner) => winner !== undefined && this.#leave(winner));
    this.#running = undefined;
    this.#silence = Promise.withResolvers();
  }

  /** Hands the winner over to the caller, once there is one; undefined if no standby was started or none has a result. */
  async take(): Promise<Won | undefined> {
    const running = this.#running;
    this.#running = undefined;
    return await running?.won;
  }
}
