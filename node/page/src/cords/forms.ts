// The answer of GET /v1/cords, as docs/API.md explains it. Times are milliseconds since 1970.

// A Cell is [t, span, n, lo, hi, kind, count, kind, count, …]: n entries whose time is in [t, t + span), the least and the
// greatest seq among them, and how many are of each kind that the answer names. The rest of n is of other kinds.
export type Cell = readonly number[]

export const at = (c: Cell): number => c[0]!
export const span = (c: Cell): number => c[1]!
export const count = (c: Cell): number => c[2]!
export const lo = (c: Cell): number => c[3]!
export const hi = (c: Cell): number => c[4]!

// A Cord is what the window shows of an author.
export interface Cord {
  author: string, name?: string, entries: number, before: number, after: number, first: number, last: number,
  next: number, floor?: number, trimmed?: number, disputed?: number, held?: number[], cells: Cell[],
}

export interface Answer {
  from: number, to: number, bucket: number, first?: number, last?: number, now: number, node: string, cursor: string, behind?: number,
  kinds: string[], cords: Cord[], all: Cell[], others: { authors: number, entries: number },
}

// A cord on which nothing is counted has no times in the answer. whole gives it some: it hangs behind all others, and is short.
export function whole(told: Answer): Answer {
  for (const c of told.cords) {
    c.first ??= told.now
    c.last ??= told.from
  }
  return told
}
