// least and most are how many milliseconds there are between two times that the picture asks by itself.
const least = 3000
const most = 60_000

// Patience says when the picture asks again for receipts that it lacks: soon after something has changed, and while nothing does after pauses
// that double, since a node that is away may stay away for good.
export class Patience {
  #pause = least
  #due: number

  constructor(now: number) {
    this.#due = now + least
  }

  // changed says that something has come, or that a member has or is something else than before.
  changed(now: number): void {
    this.#pause = least
    this.#due = Math.min(this.#due, now + least)
  }

  // due says whether to ask now; if so, the next time is a longer pause away.
  due(now: number): boolean {
    if (now < this.#due) return false
    this.#due = now + this.#pause
    this.#pause = Math.min(most, 2 * this.#pause)
    return true
  }
}
