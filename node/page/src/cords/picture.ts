import type { Entry } from '../api/forms'
import { counts } from '../api/call'
import { takes } from '../query'
import { Brush } from './brush'
import { column } from './columns'
import { palettes } from './dyes'
import { beadPlaces, knotX, level, Painter, ropeEnd, type Arrival, type Bead, type Look } from './draw'
import type { Answer } from './forms'
import { Dyer, other } from './kinds'
import { knotOf, nearest, on, reach, type Focus } from './focus'
import { inseparable, type Knot } from './knots'
import { Loom, shown } from './loom'
import { order, scene, type Hanging, type Scene } from './scene'
import type { Scale } from './scale'
import { seenOf, type Seen } from './seen'
import type { Standing } from './standing'
import { brinks, ticks } from './ticks'
import { about, linkOf, moved, nearer, over, scaleOf, under, windowOf, type Bounds, type View } from './view'

// Pointed is a cord, and a knot on it, that is pointed at or chosen by keys, and where it is in the element.
export interface Pointed { readonly hanging: Hanging, readonly knot: Knot | null, readonly x: number, readonly y: number, readonly kinds: readonly string[] }

// BeadAt is a follower's bead that is pointed at.
export interface BeadAt { readonly bead: Bead, readonly x: number, readonly y: number }

// Host is what the picture tells and asks of the component around it.
export interface Host {
  pointed(p: Pointed | null, keyed: boolean): void
  bead(b: BeadAt | null): void
  seen(s: Seen): void
  open(author: string, seq: number): void
  list(author: string, from: number, to: number): void
  link(l: { from: number | null, to: number | null, follow: boolean }): void
  words: Pick<Look, 'label' | 'folded' | 'said' | 'stub' | 'more' | 'cords'> & { readonly now: string }
}

const flight = 900

// Picture is the drawing: what it looks at, and what a hand does to that. It draws when something has changed, at most once a
// frame, and never waits for its node.
export class Picture {
  theme: 'light' | 'dark' = 'light'
  still = false
  beads: readonly Bead[] = []
  standings: ReadonlyMap<string, Standing> = new Map()
  author: readonly string[] = []
  kind: readonly string[] = []

  #view: View = 'whole'
  #linked: { from: number | null, to: number | null } | null = null
  #pan = 0
  #scene: Scene | null = null
  #shown: Answer | null = null
  #focus: Focus | null = null
  #painters = new Map<string, Painter>()
  readonly #dyer = new Dyer()
  #arrivals: { author: string, seq: number, t: number, dye: number, since: number }[] = []
  #due = 0
  #marked: ReturnType<typeof setTimeout> | undefined
  #resting: ReturnType<typeof setTimeout> | undefined
  #skew = 0
  // longest is how many letters the longest name of a cord has that was seen.
  #longest = 6

  constructor(readonly canvas: HTMLCanvasElement, readonly loom: Loom, readonly host: Host, readonly font: string) {}

  // head is the room above the main cord, for names that stand level or lean; left that of the axis.
  get head(): number { return Math.round((this.#level ? 50 : 24 + 5.2 * this.#longest) * this.#em) }
  get left(): number { return Math.round((this.canvas.clientWidth < 480 ? 84 : 92) * this.#em) }
  // em is how much larger than usual letters are, on large screens.
  get #em(): number { return (parseFloat(getComputedStyle(document.documentElement).fontSize) || 16) / 16 }
  // right is kept free where labels lean over the edge.
  get #right(): number { return this.#level ? 16 : 50 }
  get #level(): boolean { return (this.#scene?.columns.apart ?? 0) >= level }
  get depth(): number { return Math.max(80, this.canvas.clientHeight - this.head) }

  get now(): number { return Date.now() + this.#skew }

  #bounds(): Bounds | null {
    const whole = this.loom.whole
    if (!whole) return null
    const now = Math.max(this.now, whole.to)
    return { first: Math.min(whole.from, now - 1000), now, depth: this.depth, silences: this.loom.silences(now) }
  }

  #scale(): Scale | null {
    const b = this.#bounds()
    if (!b) return null
    if (this.#linked) {
      this.#view = windowOf(this.#linked.from, this.#linked.to, b)
      this.#linked = null
    }
    return scaleOf(this.#view, b)
  }

  // show looks at what a link says.
  show(from: number | null, to: number | null): void {
    this.#linked = { from, to }
    this.changed()
    this.#rest()
  }

  // loaded takes up an answer: the node's clock counts, and the most frequent kinds have their dyes first.
  loaded(): void {
    const whole = this.loom.whole
    if (whole) {
      this.#skew = whole.now - Date.now()
      this.#dyer.meet(whole.kinds)
    }
    this.changed()
    this.#rest()
  }

  // arrived takes in what has come. It is seen to come, unless very much does.
  arrived(entries: readonly Entry[]): void {
    const taken = { author: this.author, kind: this.kind, subject: '', from: null, to: null }
    const fresh = this.loom.add(entries.filter(e => takes(taken, e)), this.now)
    if (this.loom.whole) this.#dyer.meet(this.loom.whole.kinds)
    const since = performance.now()
    for (const e of fresh.slice(-24)) {
      this.#arrivals.push({ author: e.author, seq: e.seq, t: Date.parse(e.time), dye: this.#dyer.dye(e.kind), since })
    }
    this.#arrivals = this.#arrivals.slice(-24)
    if (fresh.length > 0) {
      this.changed()
      this.#rest()
    }
  }

  changed(): void {
    if (this.#due) return
    this.#due = requestAnimationFrame(() => {
      this.#due = 0
      this.#frame()
    })
  }

  stop(): void {
    cancelAnimationFrame(this.#due)
    clearTimeout(this.#resting)
    clearTimeout(this.#marked)
    this.loom.stop()
  }

  // tick draws again where the present has moved by a pixel or so.
  tick(): void {
    const s = this.#scene?.scale
    if (s && s.density * 1000 > 0.2) this.changed()
  }

  #frame(): void {
    const scale = this.#scale()
    const answer = scale && this.loom.best(scale)
    const { clientWidth: width, clientHeight: height } = this.canvas
    if (!scale || !answer || width === 0) return
    const ratio = Math.min(3, window.devicePixelRatio || 1)
    if (this.canvas.width !== Math.round(width * ratio) || this.canvas.height !== Math.round(height * ratio)) {
      this.canvas.width = Math.round(width * ratio)
      this.canvas.height = Math.round(height * ratio)
    }
    const painter = this.#painter(ratio)
    if (!painter) return
    const arrivals = this.#moving()
    const whole = this.loom.whole!
    this.#shown = { ...answer, cords: shown(answer, this.author, a => this.standings.has(a) || a === answer.node) }
    this.#scene = scene({
      answer: this.#shown, scale, left: this.left, width: width - this.#right, em: this.#em, pan: this.#pan, strokes: 4 * width, beads: this.beads.length, standings: this.standings,
      now: this.now, whole: { from: whole.from, to: whole.to },
    })
    this.#pan = Math.min(this.#pan, this.#scene.columns.pannable)
    const focus = this.#found()
    const named = brinks(scale, this.#em, whole.from, { t: this.now, word: this.host.words.now })
    painter.frame(this.#scene, {
      ...this.host.words, width, height, head: this.head, left: this.left, font: this.font, still: this.still,
      ticks: ticks(scale, 46 * this.#em, this.now, named), brinks: named, em: this.#em, beads: this.beads, arrivals,
      dye: kind => this.#dye(kind), focus: focus && { author: focus.hanging.cord.author, knot: focus.knot },
    })
    counts.strokes = painter.brush.strokes
    counts.frames++
    this.host.pointed(focus, this.#focus?.keyed ?? false)
    const longest = Math.max(this.#longest, ...this.#scene.hangings.map(h => this.host.words.label(h).length))
    if (longest > this.#longest) this.changed()
    this.#longest = longest
    if (arrivals.some(a => a.progress < 2)) this.changed()
  }

  #painter(ratio: number): Painter | null {
    const key = `${this.theme} ${ratio}`
    const known = this.#painters.get(key)
    if (known) return known
    const ctx = this.canvas.getContext('2d')
    if (!ctx) return null
    const made = new Painter(new Brush(ctx, ratio), palettes[this.theme])
    this.#painters.set(key, made)
    return made
  }

  // moving are the arrivals that are on their way or have just come; where nothing is to move they are marked for a while.
  #moving(): Arrival[] {
    const now = performance.now()
    this.#arrivals = this.#arrivals.filter(a => now - a.since < (this.still ? 4000 : 2 * flight))
    clearTimeout(this.#marked)
    if (this.still && this.#arrivals.length > 0) this.#marked = setTimeout(() => this.changed(), 1000)
    return this.#arrivals.map(a => ({ ...a, progress: this.still ? 2 : (now - a.since) / flight }))
  }

  #dye(kind: number): number {
    const name = this.#shown?.kinds[kind]
    return name === undefined ? other : this.#dyer.dye(name)
  }

  // #found is the cord and the knot that the focus is on, where they are now.
  #found(): Pointed | null {
    const { scale, hangings, columns } = this.#scene!
    const f = this.#focus
    const hanging = f && hangings.find(h => h.cord.author === f.author)
    if (!f || !hanging) return null
    const knot = hanging.knots[knotOf(hanging.knots, f)] ?? null
    const y = knot ? knot.y : Math.min(scale.height, 30)
    return { hanging, knot, x: knotX(hanging, columns.apart, y), y: y + this.head, kinds: this.#shown!.kinds }
  }

  // #rest says, once nothing has moved for a moment, what there is to see, and asks for what is missing of it.
  #rest(): void {
    clearTimeout(this.#resting)
    counts.moving = true
    this.#resting = setTimeout(() => {
      counts.moving = false
      const s = this.#scene
      const scale = this.#scale()
      if (!s || !scale) return
      void this.loom.want(scale, this.author, this.kind)
      this.host.link(linkOf(this.#view, scale))
      this.host.seen(seenOf(s, this.#shown!, { whole: this.loom.whole!, now: this.now, beads: this.beads.length, all: this.#view === 'whole', dye: k => this.#dye(k) }))
    }, 160)
  }

  // What a hand does.

  pan(dx: number, dy: number): void {
    this.#pan = Math.max(0, this.#pan - dx)
    const b = this.#bounds()
    const s = this.#scale()
    if (b && s && dy !== 0 && this.#view !== 'whole') this.#view = moved(s.panned(-dy), b)
    this.changed()
  }

  zoom(y: number | null, times: number): void {
    const b = this.#bounds()
    const s = this.#scale()
    if (!b || !s) return
    const knot = y === null && this.#scene ? this.#found()?.knot : null
    y ??= this.head + (knot && knot.y > 0 && knot.y < b.depth ? knot.y : b.depth / 2)
    this.#view = moved(nearer(s, Math.max(0, Math.min(b.depth, y - this.head)), times), b)
    this.changed()
  }

  whole(): void {
    this.#view = 'whole'
    this.changed()
  }

  jump(end: boolean): void {
    const b = this.#bounds()
    const s = this.#scale()
    if (b && s) this.#view = moved(end ? s.panned(s.y(b.now) - (b.depth - under)) : s.panned(s.y(b.first) - over), b)
    this.changed()
  }

  rest(): void { this.#rest() }

  point(x: number, y: number): void {
    const bead = this.#beadAt(x, y)
    this.host.bead(bead)
    this.#focus = bead ? null : this.#hit(x, y)
    this.changed()
  }

  leave(): void {
    this.#focus = null
    this.host.bead(null)
    this.changed()
  }

  press(x: number, y: number): void {
    this.#focus = this.#hit(x, y)
    this.open()
  }

  #beadAt(x: number, y: number): BeadAt | null {
    if (Math.abs(y - this.head) > 11) return null
    const places = beadPlaces(this.beads, this.left, this.canvas.clientWidth - ropeEnd)
    const i = places.findIndex(at => Math.abs(at - x) < 9)
    return i < 0 ? null : { bead: this.beads[i]!, x: places[i]!, y: this.head }
  }

  #hit(x: number, y: number): Focus | null {
    const s = this.#scene
    if (!s || x < this.left - 8) return null
    const i = column({ ...s.columns, x: s.hangings.map(h => h.x) }, x, Math.max(14, Math.min(reach, s.columns.apart / 2)))
    const h = s.hangings[i]
    if (!h) return null
    const knot = y < this.head ? null : nearest(h.knots, y - this.head, Math.max(14, s.cell))
    return { author: h.cord.author, ...on(knot), keyed: false }
  }

  // choose puts the focus on a cord, or on the knot of an entry on it, and says whether it hangs here.
  choose(author: string, seq: number | null = null): boolean {
    const s = this.#scene
    const i = s ? this.#order().indexOf(author) : -1
    if (!s || i < 0) return false
    this.#focus = { author, seq, at: null, keyed: true }
    this.#reveal(i)
    this.changed()
    return true
  }

  #order(): string[] {
    return order(this.#shown?.cords ?? []).map(c => c.author)
  }

  #reveal(i: number): void {
    const c = this.#scene!.columns
    const x = c.x[i]!
    const edge = Math.min(60, (this.canvas.clientWidth - this.left) / 4)
    if (x < this.left + edge) this.#pan -= this.left + edge - x
    if (x > this.canvas.clientWidth - edge) this.#pan += x - this.canvas.clientWidth + edge
    this.#pan = Math.max(0, Math.min(c.pannable, this.#pan))
  }

  step(cords: number, knots: number): void {
    const s = this.#scene
    if (!s) return
    const order = this.#order()
    const at = this.#focus ? order.indexOf(this.#focus.author) : -1
    if (cords !== 0 || at < 0) {
      const i = at < 0 ? 0 : Math.min(order.length - 1, Math.max(0, at + cords))
      const from = this.#found()
      this.#reveal(i)
      const to: Focus = this.#focus = { author: order[i]!, ...on(null), keyed: true }
      const h = s.hangings.find(h => h.cord.author === order[i])
      const knot = h && from?.knot ? nearest(h.knots, from.knot.y, Infinity) : null
      Object.assign(to, on(knot))
    } else {
      this.#along(s, order[at]!, knots)
    }
    this.changed()
  }

  #along(s: Scene, author: string, by: number): void {
    const h = s.hangings.find(h => h.cord.author === author)
    if (!h || h.knots.length === 0) return
    const at = knotOf(h.knots, this.#focus!)
    const to = at < 0 ? (by > 0 ? 0 : h.knots.length - 1) : Math.min(h.knots.length - 1, Math.max(0, at + by))
    const knot = h.knots[to]!
    this.#focus = { author, ...on(knot), keyed: true }
    if (knot.y < 30) this.pan(0, Math.min(s.scale.height / 2, 90 - knot.y))
    if (knot.y > s.scale.height - 30) this.pan(0, -Math.min(s.scale.height / 2, knot.y - s.scale.height + 90))
  }

  // open opens the knot that has the focus, or goes nearer where it is several.
  open(): void {
    const f = this.#scene && this.#found()
    const b = this.#bounds()
    if (!f?.knot || !b) {
      this.changed()
      return
    }
    if (f.knot.n === 1) this.host.open(f.hanging.cord.author, f.knot.lo)
    else if (inseparable(f.knot)) this.host.list(f.hanging.cord.author, f.knot.from, f.knot.to)
    else this.#view = about(f.knot.from, f.knot.to, b)
    this.changed()
    this.#rest()
  }
}
