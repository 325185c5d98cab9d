import { at, count, hi, lo, span, type Cell } from './forms'
import { last, type Fold, type Scale } from './scale'

// A Knot is what is drawn for one entry or for several that stand too near to each other: where it is, from which to which time
// and seq, how many, and how many of each kind of the answer, the most first.
export interface Knot {
  readonly y: number, readonly height: number, readonly from: number, readonly to: number, readonly n: number, readonly lo: number, readonly hi: number,
  readonly kinds: readonly (readonly [kind: number, count: number])[],
}

// inseparable says that a knot is of several entries of one moment, which no zoom takes apart.
export const inseparable = (k: Knot): boolean => k.n > 1 && k.to - k.from <= 1

// unnamed stands for the kinds that the answer does not name.
export const unnamed = -1

// grid is how many milliseconds a cell of at least so many pixels is: a power of two, counted from 1970, so that panning
// changes no knot.
export function grid(scale: Scale, pixels: number): number {
  return 2 ** Math.ceil(Math.log2(pixels / scale.density))
}

// visible is the range of the cells that the scale shows, or that reach into it, with so many pixels to spare.
export function visible(cells: readonly Cell[], scale: Scale, spare: number): [begin: number, end: number] {
  const from = scale.t(-spare)
  const to = scale.t(scale.height + spare)
  return [last(cells.length, i => at(cells[i]!) + span(cells[i]!) <= from) + 1, last(cells.length, i => at(cells[i]!) <= to) + 1]
}

// groups is how many knots tie makes of the cells, at most.
export function groups(cells: readonly Cell[], [begin, end]: [number, number], ms: number, folds: readonly Fold[]): number {
  let n = 0
  for (let i = begin; i < end; n++) i = groupEnd(cells, i, end, ms, folds)
  return n
}

// tie makes knots of the cells: one of all that stand in one cell of the grid, and between the same two folds.
export function tie(cells: readonly Cell[], [begin, end]: [number, number], scale: Scale, ms: number, folds: readonly Fold[]): Knot[] {
  const out: Knot[] = []
  for (let i = begin; i < end;) {
    const j = groupEnd(cells, i, end, ms, folds)
    out.push(knotOf(cells, i, j, scale))
    i = j
  }
  return out
}

// groupEnd is behind the last cell that makes one knot with the one at i.
function groupEnd(cells: readonly Cell[], i: number, end: number, ms: number, folds: readonly Fold[]): number {
  const first = at(cells[i]!)
  const g = Math.floor(first / ms)
  const next = folds[last(folds.length, k => folds[k]!.to <= first) + 1]?.to ?? Infinity
  let j = i + 1
  while (j < end && Math.floor(at(cells[j]!) / ms) === g && at(cells[j]!) < next) j++
  return j
}

function knotOf(cells: readonly Cell[], i: number, j: number, scale: Scale): Knot {
  const first = cells[i]!
  const lastCell = cells[j - 1]!
  const from = at(first)
  const to = at(lastCell) + span(lastCell)
  const top = scale.y(from)
  const foot = to - from <= 1 ? top : scale.y(to)
  let n = 0
  let low = Infinity
  let high = -1
  const kinds = new Map<number, number>()
  for (let k = i; k < j; k++) {
    const c = cells[k]!
    let rest = count(c)
    n += rest
    low = Math.min(low, lo(c))
    high = Math.max(high, hi(c))
    for (let p = 5; p + 1 < c.length; p += 2) {
      kinds.set(c[p]!, (kinds.get(c[p]!) ?? 0) + c[p + 1]!)
      rest -= c[p + 1]!
    }
    if (rest > 0) kinds.set(unnamed, (kinds.get(unnamed) ?? 0) + rest)
  }
  return {
    y: (top + foot) / 2, height: foot - top, from, to, n, lo: low, hi: high,
    kinds: [...kinds].sort((a, b) => b[1] - a[1] || a[0] - b[0]),
  }
}
