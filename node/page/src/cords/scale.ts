// A Silence is a stretch of time in which none of the cords has an entry. Times are milliseconds since 1970.
export interface Silence { readonly from: number, readonly to: number }

// A Fold is a silence that is drawn shorter than its time would have it: as a tear of a fixed height.
export interface Fold extends Silence { readonly y: number, readonly height: number }

// densest is how many pixels a millisecond gets at most. What is nearer than that stands at one place.
export const densest = 8

// A Scale leads from times to heights below the main cord and back. Outside of folds a millisecond is `density` pixels
// everywhere; a silence that would be longer than `longest` pixels is `longest` pixels long. So a silence grows with the zoom
// until it is that long, and then stays: nothing jumps, neither while zooming nor while panning.
export class Scale {
  readonly folds: readonly Fold[]

  // The time `anchor` stands at the height `anchorY`; silences are sorted, and do not touch.
  constructor(
    readonly density: number, anchor: number, anchorY: number,
    readonly height: number, readonly silences: readonly Silence[], readonly longest: number,
  ) {
    let saved = 0
    const folds: { from: number, to: number, y: number, height: number }[] = []
    const before = (t: number) => (t - anchor) * density
    for (const s of silences) {
      const natural = (s.to - s.from) * density
      if (natural <= longest) continue
      folds.push({ from: s.from, to: s.to, y: before(s.from) - saved, height: longest })
      saved += natural - longest
    }
    this.folds = folds
    this.#anchor = anchor
    const shift = anchorY - this.#raw(anchor)
    for (const f of folds) f.y += shift
    this.#shift = shift
  }

  readonly #anchor: number
  #shift = 0

  // y is the height of a time, negative above the main cord.
  y(t: number): number {
    return this.#raw(t) + this.#shift
  }

  #raw(t: number): number {
    const folds = this.folds
    const i = last(folds.length, k => folds[k]!.from <= t)
    const at = (t - this.#anchor) * this.density
    if (i < 0) return at
    const f = folds[i]!
    const y = f.y - this.#shift
    return t >= f.to ? y + f.height + (t - f.to) * this.density : y + f.height * (t - f.from) / (f.to - f.from)
  }

  // t is the time of a height.
  t(y: number): number {
    const folds = this.folds
    const i = last(folds.length, k => folds[k]!.y <= y)
    const at = this.#anchor + (y - this.#shift) / this.density
    if (i < 0) return at
    const f = folds[i]!
    const below = y - f.y - f.height
    return below >= 0 ? f.to + below / this.density : f.from + (y - f.y) / f.height * (f.to - f.from)
  }

  // from and to are what the height shows.
  get from(): number { return this.t(0) }
  get to(): number { return this.t(this.height) }

  // panned is the scale that shows what stands so many pixels further down.
  panned(by: number): Scale {
    return new Scale(this.density, this.t(by), 0, this.height, this.silences, this.longest)
  }

  // zoomed is the scale in which the time at the height stays there, and what is around it is so many times as long.
  zoomed(y: number, times: number): Scale {
    const density = Math.min(densest, this.density * times)
    return new Scale(density, this.t(y), y, this.height, this.silences, this.longest)
  }
}

// fit returns the scale that shows from … to on the height. Where there is so little between the two that everything
// is folded, it ends above the foot.
export function fit(from: number, to: number, height: number, silences: readonly Silence[], longest: number): Scale {
  const seen = silences
    .map(s => ({ length: s.to - s.from, shown: Math.max(0, Math.min(s.to, to) - Math.max(s.from, from)) }))
    .filter(s => s.shown > 0)
    .sort((a, b) => b.length - a.length)
  let room = height
  let time = Math.max(to - from, 1e-3)
  let density = room / time
  for (const s of seen) {
    if (s.length * density <= longest) break
    room -= longest * s.shown / s.length
    time -= s.shown
    density = room > 0 && time > room / densest ? room / time : densest
    if (density === densest) break
  }
  return new Scale(Math.min(density, densest), from, 0, height, silences, longest)
}

// silences returns the stretches between spans of time that are taken. The spans may overlap and come in any order.
export function silencesBetween(taken: readonly Silence[]): Silence[] {
  const sorted = [...taken].sort((a, b) => a.from - b.from)
  const out: Silence[] = []
  let end = -Infinity
  for (const s of sorted) {
    if (s.from > end && end !== -Infinity) out.push({ from: end, to: s.from })
    end = Math.max(end, s.to)
  }
  return out
}

// last returns the greatest index below n that holds, -1 for none; what holds comes first.
export function last(n: number, holds: (i: number) => boolean): number {
  let low = 0
  let high = n
  while (low < high) {
    const mid = (low + high) >> 1
    if (holds(mid)) low = mid + 1
    else high = mid
  }
  return low - 1
}
