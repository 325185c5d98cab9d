import { densest, fit, Scale, type Silence } from './scale'

// A View is what the picture looks at: the whole log up to now, or times at such a density, of which one stands at a height.
// One that follows keeps the present where it stands.
export type View = 'whole' | { readonly density: number, readonly t: number, readonly y: number, readonly follow: boolean }

// Bounds are what can be looked at: the log without what lies far outside, and now; and the room that there is for it.
export interface Bounds { readonly first: number, readonly now: number, readonly depth: number, readonly silences: readonly Silence[] }

// over and under are kept free above the first knot and below the present.
export const over = 38
export const under = 46

// longest is how many pixels a silence has at most: a tear has room in it, and a date above and below.
const longest = (depth: number): number => Math.min(64, Math.max(44, depth / 16))

export function wholeScale(b: Bounds): Scale {
  const s = fit(b.first, b.now, Math.max(40, b.depth - over - under), b.silences, longest(b.depth))
  return new Scale(s.density, b.first, over, b.depth, b.silences, longest(b.depth))
}

export function scaleOf(view: View, b: Bounds): Scale {
  if (view === 'whole') return wholeScale(b)
  return new Scale(view.density, view.follow ? b.now : view.t, view.y, b.depth, b.silences, longest(b.depth))
}

// windowOf is the view of a link: from … to, where null is the beginning of the log, and now.
export function windowOf(from: number | null, to: number | null, b: Bounds): View {
  if (from === null && to === null) return 'whole'
  const begin = from ?? b.first
  const end = to ?? b.now
  if (to === null) {
    const s = fit(begin, end, Math.max(40, b.depth - under), b.silences, longest(b.depth))
    return { density: s.density, t: b.now, y: b.depth - under, follow: true }
  }
  const s = fit(begin, end, b.depth, b.silences, longest(b.depth))
  return { density: s.density, t: begin, y: 0, follow: false }
}

// linkOf is what a link says of a scale; the inverse of windowOf.
export function linkOf(view: View, scale: Scale): { from: number | null, to: number | null, follow: boolean } {
  if (view === 'whole') return { from: null, to: null, follow: true }
  return { from: Math.floor(scale.from), to: view.follow ? null : Math.ceil(scale.to), follow: view.follow }
}

// moved is the view of a scale that a gesture has led to, kept within the bounds.
export function moved(scale: Scale, b: Bounds): View {
  if (scale.density <= wholeScale(b).density * 1.0005) return 'whole'
  const foot = b.depth - under
  let s = scale
  if (s.y(b.now) < foot) s = s.panned(s.y(b.now) - foot)
  if (s.y(b.first) > over) s = s.panned(s.y(b.first) - over)
  const now = s.y(b.now)
  return now <= b.depth ? { density: s.density, t: b.now, y: now, follow: true } : { density: s.density, t: s.t(b.depth / 2), y: b.depth / 2, follow: false }
}

// nearer zooms about a height. Where all that is seen is folds and the points between them nothing moves for a long way: that is
// passed at once, and refused where nothing stands behind it.
export function nearer(scale: Scale, y: number, times: number): Scale {
  let z = scale.zoomed(y, times)
  for (let n = 0; unfolded(z) < 0.08; n++) {
    if (n > 200 || z.density >= densest) return scale
    z = z.zoomed(y, times > 1 ? 1.25 : 0.8)
  }
  return z
}

// unfolded is what part of the height is none of folds.
function unfolded(s: Scale): number {
  let folds = 0
  for (const f of s.folds) folds += Math.max(0, Math.min(s.height, f.y + f.height) - Math.max(0, f.y))
  return 1 - folds / s.height
}

// about is the view in which a stretch of time has the middle of the picture.
export function about(from: number, to: number, b: Bounds): View {
  const spare = Math.max(1, to - from) * 0.25
  const s = fit(from - spare, to + spare, b.depth, b.silences, longest(b.depth))
  return moved(new Scale(s.density, (from + to) / 2, b.depth / 2, b.depth, b.silences, longest(b.depth)), b)
}
