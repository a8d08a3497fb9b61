/** One task after another: what changes routes and SAs must not overlap. A task that fails does not stop those behind it. */
export class TaskQueue {
  #last: Promise<unknown> = Promise.resolve();

  run<T>(task: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(task);
    this.#last = turn.catch(() => {});
    return turn;
  }

  /** Settles once all that stands in the queue now is done. */
  async idle(): Promise<void> {
    await this.#last;
  }
}
