import type { Knot } from './knots'

// reach is how far beside a cord it is still meant, in pixels: as wide as the widest bundle, and a finger's breadth.
export const reach = 36

// Focus is the cord that is looked at, and the knot on it: by one of its entries, and by its time where that is known. Seqs are in the order in
// which a writer wrote, which need not be that of the times, so that several knots may reach over one.
export interface Focus { author: string, seq: number | null, at: number | null, keyed: boolean }

// on is the part of a focus that says which knot it is on.
export const on = (k: Knot | null): Pick<Focus, 'seq' | 'at'> => k ? { seq: k.lo, at: k.from } : { seq: null, at: null }

// knotOf is where the knot is that a focus is on, -1 where there is none: of those that reach over its seq the one at its time, or the narrowest.
export function knotOf(knots: readonly Knot[], f: Pick<Focus, 'seq' | 'at'>): number {
  let best = -1
  let least = Infinity
  if (f.seq === null) return best
  for (const [i, k] of knots.entries()) {
    if (f.seq < k.lo || k.hi < f.seq) continue
    const away = f.at === null ? k.hi - k.lo : f.at === k.from ? 0 : Math.max(0, k.from - f.at, f.at + 1 - k.to) // its end is not in it
    if (away < least) { best = i; least = away }
  }
  return best
}

// nearest is the knot that is nearest to a height, within reach.
export function nearest(knots: readonly Knot[], y: number, reach: number): Knot | null {
  let best: Knot | null = null
  let least = reach
  for (const k of knots) {
    const away = Math.max(0, Math.abs(k.y - y) - k.height / 2)
    if (away < least) { best = k; least = away }
  }
  return best
}
