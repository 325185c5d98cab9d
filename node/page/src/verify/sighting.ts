import { hex } from './bytes'
import { type Op, timeOf } from './op'

// Seen is when an author's entries are of, in milliseconds since 1970: how many, by the beginning of an interval.
export interface Seen { author: string, entries: number, at: Map<number, number> }

// Sighting gathers while a bundle is read what its picture is drawn from. It takes memory for few: of the first authors their
// times, and of each no more than so many intervals, which grow where there are more.
export class Sighting {
  static readonly authors = 24
  static readonly intervals = 256

  width = 1 // of an interval, in milliseconds
  readonly seen = new Map<string, Seen>()

  // see takes in ops that hold, all of one author.
  see(ops: Op[]): void {
    const seen = this.#of(hex(ops[0]!.author))
    if (!seen) return
    for (const op of ops) {
      for (const entry of op.entries) {
        const at = this.#begin(Number(timeOf(entry) / 1_000_000n))
        seen.at.set(at, (seen.at.get(at) ?? 0) + 1)
        seen.entries++
        if (seen.at.size > Sighting.intervals) this.#widen(seen)
      }
    }
  }

  #of(author: string): Seen | undefined {
    let seen = this.seen.get(author)
    if (!seen && this.seen.size < Sighting.authors) {
      seen = { author, entries: 0, at: new Map() }
      this.seen.set(author, seen)
    }
    return seen
  }

  #begin(ms: number): number {
    return Math.floor(ms / this.width) * this.width
  }

  // #widen doubles the intervals of all until those of one are few enough.
  #widen(many: Seen): void {
    while (many.at.size > Sighting.intervals) {
      this.width *= 2
      for (const seen of this.seen.values()) {
        const at = new Map<number, number>()
        for (const [ms, n] of seen.at) at.set(this.#begin(ms), (at.get(this.#begin(ms)) ?? 0) + n)
        seen.at = at
      }
    }
  }
}
