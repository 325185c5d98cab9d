import type { Brush } from './brush'
import { shape, type Palette } from './dyes'
import type { Tightness } from './standing'

// Ties draws knots. What is drawn often is drawn once, and then copied.
export class Ties {
  readonly #made = new Map<string, HTMLCanvasElement>()
  // missed are the windings of this frame without an image, before those of the frame before it, left how many images this frame may make, spare how many
  // strokes it has for what is drawn without one.
  #missed = new Set<string>()
  #before: ReadonlySet<string> = new Set()
  #left = fresh
  #spare = 0

  constructor(readonly brush: Brush, readonly palette: Palette) {}

  // single is the knot of one entry: the shape of its kind, tight; smaller in a loop that is drawn half; small in an open one.
  single(dye: number, how: Tightness, x: number, y: number, r: number): void {
    const half = Math.ceil(r * 2.2)
    const image = this.#image(`${dye} ${how} ${r}`, 2 * half, 2 * half, ctx => this.#tie(ctx, dye, how, half, half, r))
    this.brush.image(image, x - half, y - half, 2 * half, 2 * half)
  }

  #tie(ctx: CanvasRenderingContext2D, dye: number, how: Tightness, x: number, y: number, r: number): void {
    const { palette } = this
    const colour = palette.dyes[dye]!
    const size = how === 'tight' ? r : how === 'half' ? r * 0.8 : r * 0.55
    if (how !== 'tight') {
      ctx.lineWidth = Math.max(1.3, r * 0.24)
      ctx.lineCap = 'round'
      ctx.strokeStyle = colour
      ctx.fillStyle = palette.ground
      ctx.beginPath()
      ctx.ellipse(x, y, r * 1.65, r * 1.4, 0, 0, how === 'half' ? Math.PI : 2 * Math.PI)
      if (how === 'open') ctx.fill()
      ctx.stroke()
    }
    ctx.beginPath()
    shape(ctx, dye, x, y, size)
    ctx.lineJoin = 'round'
    ctx.strokeStyle = palette.ground
    ctx.lineWidth = how === 'tight' ? Math.max(1, r * 0.28) : 0.8
    ctx.stroke()
    ctx.fillStyle = colour
    ctx.fill()
    if (size < 4) return
    // The turns of the yarn, and the light on it.
    ctx.clip()
    ctx.lineWidth = 1.1
    for (let k = -3; k <= 3; k++) {
      ctx.strokeStyle = k % 2 === 0 ? palette.shade : palette.light
      ctx.globalAlpha = k % 2 === 0 ? 0.55 : 0.4
      ctx.beginPath()
      ctx.moveTo(x - size * 1.3, y + k * size * 0.36 + size * 0.5)
      ctx.quadraticCurveTo(x, y + k * size * 0.36 - size * 0.3, x + size * 1.3, y + k * size * 0.36 - size * 0.1)
      ctx.stroke()
    }
    ctx.globalAlpha = 1
  }

  // begin is called before each frame, with how many strokes that may have beyond one for each knot.
  begin(spare: number): void {
    this.#spare = spare
    this.#before = this.#missed
    this.#missed = new Set()
    this.#left = fresh
  }

  // wound is the long knot of several entries: so many turns, in the dyes of the kinds, of which each has its part and at least one. While a
  // wheel is turned each knot is a bit higher in each frame: what the frame before did not have is drawn as it is, and no image is made of it.
  wound(kinds: readonly (readonly [dye: number, n: number])[], x: number, y: number, half: number, height: number, turns: number): void {
    const width = Math.max(1, Math.round(half))
    const high = Math.min(longest, Math.ceil(height))
    const dyes = shares(kinds.map(([, n]) => n), turns).flatMap((n, i) => new Array<number>(n).fill(kinds[i]![0]))
    const key = `wound ${width} ${high} ${dyes.join()}`
    if (!this.#made.has(key) && this.#spare >= kinds.length + 2 && (!this.#before.has(key) || this.#left-- <= 0)) {
      this.#missed.add(key)
      const strokes = this.#wind(this.brush.ctx, dyes, x - width, y - height / 2, width, height)
      this.brush.strokes += strokes
      this.#spare -= strokes - 1
      return
    }
    const image = this.#image(key, 2 * width, high, ctx => this.#wind(ctx, dyes, 0, 0, width, high))
    this.brush.image(image, x - width, y - height / 2, 2 * width, height)
  }

  // wind draws a winding, each dye at once, and says in how many strokes.
  #wind(ctx: CanvasRenderingContext2D, dyes: readonly number[], x: number, y: number, width: number, height: number): number {
    const { palette } = this
    const turn = height / dyes.length
    // The first and the last turn are drawn tighter than those between them.
    const half = (i: number) => width * (1 - 0.24 * Math.abs(2 * (i + 0.5) / dyes.length - 1) ** 4)
    const seen = new Set(dyes)
    for (const dye of seen) {
      ctx.fillStyle = palette.dyes[dye]!
      ctx.beginPath()
      dyes.forEach((d, i) => { if (d === dye) ctx.roundRect(x + width - half(i), y + i * turn, 2 * half(i), turn + 0.2, Math.min(1.6, turn / 2)) })
      ctx.fill()
    }
    if (turn < 2.4) return seen.size
    ctx.lineWidth = 0.9
    ctx.setLineDash([])
    ctx.globalAlpha = 0.55
    for (const [style, at] of [[palette.light, 0.34], [palette.shade, 0.86]] as const) {
      ctx.strokeStyle = style
      ctx.beginPath()
      dyes.forEach((_, i) => {
        ctx.moveTo(x + width - half(i) + 2, y + turn * (i + at) + 0.3)
        ctx.lineTo(x + width + half(i) - 2, y + turn * (i + at) - 0.3)
      })
      ctx.stroke()
    }
    ctx.globalAlpha = 1
    return seen.size + 2
  }

  #image(key: string, width: number, height: number, draw: (ctx: CanvasRenderingContext2D) => void): HTMLCanvasElement {
    const known = this.#made.get(key)
    if (known) return known
    if (this.#made.size >= most) this.#made.clear()
    const image = document.createElement('canvas')
    image.width = Math.ceil(width * this.brush.ratio)
    image.height = Math.ceil(height * this.brush.ratio)
    const ctx = image.getContext('2d')
    if (ctx) {
      ctx.scale(this.brush.ratio, this.brush.ratio)
      draw(ctx)
    }
    this.#made.set(key, image)
    return image
  }
}

// longest is how high a winding is made; a longer one is stretched. most is how many images are kept, fresh how many
// are made of windings in a frame.
const longest = 400
const fresh = 8
const most = 800

// shares divides turns between parts: each has one at least while there are so many, and the greatest what is left over.
export function shares(parts: readonly number[], turns: number): number[] {
  const all = parts.reduce((a, b) => a + b, 0)
  const out = parts.slice(0, turns).map(n => Math.max(1, Math.floor(turns * n / all)))
  for (let left = turns - out.reduce((a, b) => a + b, 0); left !== 0; left -= Math.sign(left)) out[out.indexOf(Math.max(...out))]! += Math.sign(left)
  return out
}
