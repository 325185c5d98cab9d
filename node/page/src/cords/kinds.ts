// dyes is how many kinds have a colour and a shape of their own. What is left is `other`.
export const dyes = 12
export const other = dyes

// A Dyer gives each kind one of the dyes. A kind keeps its dye for as long as the page is open, and begins with the one
// that its name comes to where that is free, so that the same log looks the same on the next visit.
export class Dyer {
  readonly #of = new Map<string, number>()
  readonly #taken: boolean[] = new Array<boolean>(dyes).fill(false)

  // meet takes kinds, the most frequent first.
  meet(kinds: Iterable<string>): void {
    for (const kind of kinds) {
      if (this.#of.has(kind) || this.#of.size >= dyes) continue
      let dye = sum(kind) % dyes
      while (this.#taken[dye]) dye = (dye + 1) % dyes
      this.#taken[dye] = true
      this.#of.set(kind, dye)
    }
  }

  // dye is the number of a kind's dye.
  dye(kind: string): number {
    return this.#of.get(kind) ?? other
  }

  // kinds are those with a dye of their own, in the order in which they were met.
  get kinds(): string[] {
    return [...this.#of.keys()]
  }
}

// sum is FNV-1a of the text, made positive: the same on every visit.
export function sum(text: string): number {
  let h = 0x811c9dc5
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  return h >>> 0
}
