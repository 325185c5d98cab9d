import { beyond } from './beyond'
import type { Brush } from './brush'
import { labelled } from './columns'
import { Cotton, course, sway, thickness } from './cotton'
import type { Palette } from './dyes'
import type { Knot } from './knots'
import { loose, manyKinds, radius, type Hanging, type Scene } from './scene'
import type { Fold } from './scale'
import { tightness } from './standing'
import { tear } from './tear'
import { line, type Brink, type Tick } from './ticks'
import { Ties } from './ties'

// A Bead is a follower on the main cord: how much of the log it has looked at, from 0 to 1, how many entries it has still to look at,
// and how many it has set aside.
export interface Bead { readonly name: string, readonly done: number, readonly lag: number, readonly parked: number, readonly failing: boolean }

// An Arrival is a knot on its way: how far it is, from 0 to 1.
export interface Arrival { readonly author: string, readonly seq: number, readonly t: number, readonly dye: number, readonly progress: number }

// A Look is all that a frame is drawn from, beside the scene.
export interface Look {
  readonly width: number, readonly height: number, readonly head: number, readonly left: number
  readonly font: string, readonly em: number, readonly still: boolean
  readonly ticks: readonly Tick[], readonly brinks: readonly Brink[], readonly beads: readonly Bead[], readonly arrivals: readonly Arrival[]
  readonly label: (h: Hanging) => string
  readonly folded: (ms: number) => string
  readonly said: (h: Hanging) => readonly string[]
  readonly stub: (t: number) => string
  readonly cords: (n: number, side: 'left' | 'right') => string
  readonly more: (n: number, where: 'above' | 'below', worded: boolean) => string
  readonly dye: (kind: number) => number
  // focus is the cord that is pointed at or chosen, and the knot on it.
  readonly focus: { readonly author: string, readonly knot: Knot | null } | null
}

// Painter draws frames in one theme.
export class Painter {
  readonly #cotton: Cotton
  readonly #ties: Ties
  // #places is where on the strands of its cord each knot of the frame is.
  readonly #places = new Map<Knot, number>()

  constructor(readonly brush: Brush, readonly palette: Palette) {
    this.#cotton = new Cotton(brush, palette)
    this.#ties = new Ties(brush, palette)
  }

  frame(scene: Scene, look: Look): void {
    const { brush } = this
    brush.begin(look.width, look.height)
    this.#ties.begin(scene.spare)
    this.#places.clear()
    this.#axis(look)
    brush.within(look.left - 4, look.head, look.width - look.left + 4, look.height - look.head, () => {
      brush.ctx.translate(0, look.head)
      for (const h of scene.hangings) this.#hanging(h, scene, look)
    })
    this.#tears(scene, look)
    brush.within(look.left - 4, look.head, look.width - look.left + 4, look.height - look.head, () => {
      brush.ctx.translate(0, look.head)
      for (const h of scene.hangings) this.#knots(h, scene, look)
      for (const h of scene.hangings) this.#said(h, scene, look)
    })
    brush.within(0, look.head, look.width, look.height - look.head, () => {
      brush.ctx.translate(0, look.head)
      beyond(brush, this.palette, scene, look)
      for (const a of look.arrivals) this.#arrival(a, scene, look)
      this.#focus(scene, look)
    })
    this.#main(scene, look)
    this.#labels(scene, look)
  }

  #axis(look: Look): void {
    const { brush, palette } = this
    for (const t of look.ticks) {
      const y = look.head + t.y
      if (t.y < 6) continue
      brush.line([look.left - 8, y, t.above ? look.width : look.left - 2, y], palette.line, 1)
      brush.text(t.label, look.left - 12, y, palette.faint, `${11 * look.em}px ${look.font}`, 'right')
      if (t.above) brush.text(t.above, look.left - 12, y - line * look.em, palette.ink, `600 ${11 * look.em}px ${look.font}`, 'right')
    }
  }

  // tears are the folds: once over all of the width, and on both sides of it the time that goes on there.
  #tears(scene: Scene, look: Look): void {
    const { brush, palette } = this
    const depth = look.height - look.head
    const font = `${11 * look.em}px ${look.font}`
    brush.within(0, look.head + 7, look.width, depth, () => {
      brush.ctx.translate(0, look.head)
      for (const fold of scene.scale.folds) {
        if (fold.y > depth || fold.y + fold.height < 0) continue
        tear(brush, palette, { fold, x0: 0, x1: look.width, middle: (look.left + look.width) / 2, words: look.folded(fold.to - fold.from), font: `italic ${12 * look.em}px ${look.font}`, em: look.em })
      }
      for (const b of look.brinks) b.lines.forEach((text, i) => brush.text(text, look.left - 12, b.y + line * look.em * i, palette.ink, font, 'right'))
    })
  }

  // tone is that of a cord: grey where its member is cut off.
  #tone(h: Hanging): string {
    return h.standing?.cut ? this.palette.gone : this.#cotton.tone(h.cord.author)
  }

  #hanging(h: Hanging, scene: Scene, look: Look): void {
    const { apart } = scene.columns
    const depth = look.height - look.head
    const width = thickness(apart)
    const tone = this.#tone(h)
    const author = h.cord.author
    const run: Course = (from, to, aside) =>
      course({ author, x: h.x, apart, from: Math.max(-10, from), to: Math.min(depth + 10, to), ...(aside ? { aside } : {}) })
    const end = h.end - Math.min(loose, 14)
    let top = -10
    if (h.bound !== null && h.bound > 0) {
      this.#cotton.cord(run(0, h.bound), tone, 1, false, [1, 5])
      this.#cotton.binding(h.x + sway(author, apart, h.bound), h.bound, width, tone, scene.rich)
      top = h.bound
    }
    if (h.thin !== null && h.thin > top) {
      this.#cotton.cord(run(top, Math.min(h.thin, end)), tone, Math.max(1, width * 0.3), scene.rich)
      top = h.thin
    }
    const split = h.fork !== null && h.fork < end ? Math.max(top, h.fork) : end
    if (split > top) this.#cotton.cord(run(top, split), tone, width, scene.rich)
    if (h.fork !== null && split < end) this.#strands(h, run, split, end, tone, width, scene)
    if (h.ghost !== null) this.#ghost(h, run, end)
    if (end < depth + 20 && h.fork === null) this.#cotton.fray(h.x + sway(author, apart, end), end - 1, tone, Math.min(14, 4 + apart * 0.3), scene.rich)
    if (h.stubs.foot) this.#stub(h, h.end + 8, 1, look, scene, h.cord.last, tone)
    if (h.stubs.top) this.#stub(h, h.begin - 14, -1, look, scene, h.cord.first, tone)
  }

  // strands are the two of a feed that parts: one as before, and one that is banded in the colour of warnings.
  #strands(h: Hanging, run: Course, from: number, to: number, tone: string, width: number, scene: Scene): void {
    const { rich, columns: { apart } } = scene
    const w = Math.max(1.2, width * 0.7)
    this.#cotton.cord(run(from, to, y => -strandAside(h, apart, y)), tone, w, rich)
    const other = run(from, to, y => strandAside(h, apart, y))
    if (!rich) {
      this.brush.line(other, this.palette.warn, w, [4, 2])
      return
    }
    this.#cotton.banded(other, w)
    for (const sign of [-1, 1]) this.#cotton.fray(h.x + sway(h.cord.author, apart, to) + sign * strandAside(h, apart, to), to - 1, sign < 0 ? tone : this.palette.warn, 10, rich)
  }

  // ghost is what a member lacks: where its cord will be once it has caught up.
  #ghost(h: Hanging, run: Course, end: number): void {
    this.brush.line(run(end, h.ghost!), this.palette.gone, 1.4, [2, 5])
  }

  // said is what is to be said of a member that lacks something, beside its ghost, where there is room up to the next cord and between tears.
  #said(h: Hanging, scene: Scene, look: Look): void {
    const { apart } = scene.columns
    const { em } = look
    if (h.ghost === null || apart < 130) return
    const lines = look.said(h).flatMap(part => wrapped(part, Math.floor((apart - 40 * em) / (5.8 * em))))
    const high = 15 * em
    const [from, to] = widest(Math.max(8, h.end - loose), Math.min(look.height - look.head, h.ghost) - 8, scene.scale.folds)
    const shown = lines.slice(0, Math.floor((to - from) / high))
    const first = (from + to - high * (shown.length - 1)) / 2
    shown.forEach((words, i) => this.brush.text(words, h.x + 12, first + high * i, this.palette.faint, `italic ${12 * em}px ${look.font}`))
  }

  // stub is the marked end of a cord that has knots at times far outside: cut aslant, and the year stands by it.
  #stub(h: Hanging, y: number, sign: number, look: Look, scene: Scene, t: number, tone: string): void {
    const { rich, columns: { apart } } = scene
    const depth = look.height - look.head
    if (y < 0 || y > depth - 4) return
    const x = h.x + sway(h.cord.author, apart, y)
    const half = Math.min(7, apart * 0.4)
    this.brush.line([x - half, y + sign * 7, x + half, y + sign * 1], this.palette.warn, 2.2)
    if (!rich) return
    this.brush.line([x, y - sign * 8, x, y + sign * 4], tone, thickness(apart), [2, 2])
    this.brush.line([x - half, y + sign * 11, x + half, y + sign * 5], this.palette.warn, 2.2)
    if (apart >= 44) this.brush.text(look.stub(t), x + half + 5, y + sign * 6, this.palette.warn, `italic ${11 * look.em}px ${look.font}`)
  }

  #knots(h: Hanging, scene: Scene, look: Look): void {
    const { apart } = scene.columns
    const r = Math.round(radius(apart, look.em) * 2) / 2
    const coming = look.arrivals.filter(a => a.author === h.cord.author && a.progress < 1)
    const seqs = new Set<number>()
    for (const [i, k] of h.knots.entries()) {
      if (k.n === 1 && coming.some(a => a.seq === k.lo)) continue
      const aside = h.fork !== null && k.y >= h.fork ? (k.n === 1 ? (seqs.has(k.lo) ? 1 : -1) : 0) : 0
      if (aside !== 0) seqs.add(k.lo)
      const across = h.fork !== null && k.y >= h.fork ? strandAside(h, apart, k.y) : 0
      const x = knotX(h, apart, k.y) + aside * across
      if (aside !== 0) this.#places.set(k, x)
      if (across > 0 && k.n > 1) this.brush.line([x - across, k.y, x + across, k.y], this.#tone(h), 1.6)
      if (k.n === 1) this.#ties.single(this.#dyeOf(look, k), tightness(k.lo, h.cord.held), x, k.y, r)
      else this.#wound(h, k, x, r, Math.min(k.y - (h.knots[i - 1]?.y ?? -Infinity), (h.knots[i + 1]?.y ?? Infinity) - k.y), scene, look)
    }
  }

  #dyeOf(look: Look, k: Knot): number {
    return look.dye(k.kinds[0]?.[0] ?? -1)
  }

  // wound is a bundle: its width and its turns grow with the logarithm of how many entries it is. It leaves room to the nearest knot, which is
  // so far away.
  #wound(h: Hanging, k: Knot, x: number, r: number, away: number, scene: Scene, look: Look): void {
    const { half, turns, turn } = bundle(k.n, r, scene.columns.apart)
    const height = k.height > scene.cell ? k.height * 0.92 : Math.min(scene.cell - 2, turns * turn, Math.max(2 * turn, 2 * away - 1.8 * r))
    const kinds = k.kinds.slice(0, scene.columns.apart >= manyKinds ? 3 : 1)
    const wound = k.height > scene.cell ? Math.min(60, Math.round(height / turn)) : Math.max(2, Math.min(turns, Math.round(height / turn)))
    this.#ties.wound(kinds.map(([kind, n]) => [look.dye(kind), n] as const), x, k.y, half, height, wound)
    const how = tightness(k.hi, h.cord.held)
    if (how === 'tight') return
    // The loop stands beside it: on both sides where it is open, on one where it is half drawn.
    const dye = this.palette.dyes[look.dye(k.kinds[0]?.[0] ?? -1)]!
    for (const side of how === 'half' ? [0] : [0, Math.PI]) this.brush.arc(x, k.y, half + 4, Math.max(5, height / 2), side - 1.1, side + 1.1, dye, 1.6)
  }

  // arrival is a knot that has just come: it runs down its cord from the main cord, as a runner would bring it.
  #arrival(a: Arrival, scene: Scene, look: Look): void {
    const h = scene.hangings.find(h => h.cord.author === a.author)
    if (!h) return
    const { apart } = scene.columns
    const y = scene.scale.y(a.t)
    const r = Math.round(radius(apart, look.em) * 2) / 2
    if (a.progress < 1 && !look.still) {
      const eased = 1 - (1 - a.progress) ** 3
      const at = Math.min(y, look.height) * eased
      this.brush.line([knotX(h, apart, at - 30), Math.max(0, at - 30), knotX(h, apart, at), at], this.palette.dyes[a.dye]!, 2)
      this.#ties.single(a.dye, 'open', knotX(h, apart, at), at, r)
      return
    }
    const ring = look.still ? 1 : Math.min(1, a.progress - 1)
    const x = knotX(h, apart, y)
    this.brush.arc(x, y, r + 4 + ring * 9, r + 4 + ring * 9, 0, 2 * Math.PI, this.palette.dyes[a.dye]!, 2.2 * (1.1 - (look.still ? 0.4 : ring)))
  }

  #focus(scene: Scene, look: Look): void {
    const h = look.focus && scene.hangings.find(h => h.cord.author === look.focus!.author)
    if (!h || !look.focus) return
    const { apart } = scene.columns
    const k = look.focus.knot
    if (!k) return
    const r = radius(apart, look.em) + 5
    const tall = k.n > 1 && k.height > scene.cell * 1.5 ? k.height / 2 + 4 : r
    this.brush.arc(this.#places.get(k) ?? knotX(h, apart, k.y), k.y, Math.max(r, 8), Math.max(tall, 8), 0, 2 * Math.PI, this.palette.focus, 2.5)
  }

  #main(scene: Scene, look: Look): void {
    const { brush, palette } = this
    const x1 = look.width - ropeEnd
    const y = look.head
    for (const [x, sign] of [[look.left - 6, -1], [x1, 1]] as const) {
      for (let k = -2; k <= 2; k++) brush.line([x, y, x + sign * 7, y + k * 2.4, x + sign * 12, y + k * 4], palette.cotton[1]!, 1.2)
    }
    this.#cotton.rope(look.left - 6, x1, y)
    const width = thickness(scene.columns.apart)
    for (const h of scene.hangings) if (h.x > look.left - 4 && h.x < x1) this.#cotton.hitch(h.x, y, this.#tone(h), width, scene.rich)
    this.#beads(scene, look, x1)
  }

  // beads hang by how far their followers are: at the right end those that have looked at all.
  #beads(_: Scene, look: Look, x1: number): void {
    const { brush, palette } = this
    beadPlaces(look.beads, look.left, x1).forEach((x, i) => {
      const bead = look.beads[i]!
      this.#cotton.bead(x, look.head, bead.failing)
      for (let k = 0; k < Math.min(2, bead.parked); k++) {
        brush.line([x, look.head - 6, x + 5 + k * 5, look.head - 14], palette.faint, 1)
        brush.disc(x + 5 + k * 5, look.head - 15, 2.6, palette.warn)
      }
    })
  }

  #labels(scene: Scene, look: Look): void {
    const { columns } = scene
    const flat = columns.apart >= level
    const chosen = scene.hangings.findIndex(h => h.cord.author === look.focus?.author)
    const shown = labelled({ ...columns, x: scene.hangings.map(h => h.x) }, flat ? 0 : 17 * look.em, chosen)
    scene.hangings.forEach((h, i) => {
      if (!shown[i] || h.x > look.width || h.x < look.left - 2) return
      const strong = i === chosen || h.own
      const font = `${strong ? '600 ' : ''}${(flat ? 13 : 11) * look.em}px ${look.font}`
      const style = h.standing?.cut ? this.palette.gone : strong ? this.palette.ink : this.palette.faint
      if (flat) this.brush.text(look.label(h), h.x, look.head - 26, style, font, 'center')
      else this.brush.text(look.label(h), h.x + 3, look.head - 14, style, font, 'left', -Math.PI / 3.4)
    })
  }
}

// Course is the line of a stretch of a cord.
type Course = (from: number, to: number, aside?: (y: number) => number) => number[]

// level is how far apart cords hang whose names stand level above them.
export const level = 96

// ropeEnd is how far from the right edge the main cord ends.
export const ropeEnd = 14

// knotX is where on its cord a knot at a height is.
export function knotX(h: Hanging, apart: number, y: number): number {
  return h.x + sway(h.cord.author, apart, y)
}

// bundle is how wide and with how many turns so many entries are wound, and how high a turn is.
export function bundle(n: number, r: number, apart: number): { half: number, turns: number, turn: number } {
  const size = Math.log2(Math.max(2, n))
  return { half: Math.min(apart * 0.46, 3.3 * r, r * (0.55 + 0.25 * size)), turns: 2 + Math.round(size), turn: Math.min(4.2, Math.max(1.7, r * 0.46)) }
}

// widest is the greatest stretch between two heights that no tear goes through.
function widest(from: number, to: number, folds: readonly Fold[]): [from: number, to: number] {
  let best: [number, number] = [from, from]
  let begin = from
  const take = (end: number) => { if (end - begin > best[1] - best[0]) best = [begin, end] }
  for (const f of folds) {
    const [y, half] = [f.y + f.height / 2, 0.3 * f.height]
    if (y + half < from || y - half > to) continue
    take(y - half)
    begin = Math.max(begin, y + half)
  }
  take(to)
  return best
}

// wrapped breaks words into lines of so many letters.
function wrapped(words: string, letters: number): string[] {
  const out: string[] = []
  for (const word of words.split(' ')) {
    const before = out[out.length - 1]
    if (before !== undefined && before.length + word.length < letters) out[out.length - 1] = `${before} ${word}`
    else out.push(word)
  }
  return out
}

// strandAside is how far each of two strands is from where the cord would be.
function strandAside(h: Hanging, apart: number, y: number): number {
  return Math.min(16, apart * 0.26) * Math.min(1, Math.max(0, (y - (h.fork ?? y)) / 30))
}

// beadPlaces is where on the main cord the beads are; those that would hide each other move to the left.
export function beadPlaces(beads: readonly Bead[], x0: number, x1: number): number[] {
  const places = beads.map(b => x0 + 14 + (x1 - x0 - 28) * Math.min(1, Math.max(0, b.done)))
  const byPlace = beads.map((_, i) => i).sort((a, b) => places[b]! - places[a]! || a - b)
  let before = Infinity
  for (const i of byPlace) {
    places[i] = Math.min(places[i]!, before - 15)
    before = places[i]!
  }
  return places
}

