import type { Brush } from './brush'
import { shape, type Palette } from './dyes'
import type { Tightness } from './standing'

// Ties draws knots. What is drawn often is drawn once, and then copied.
export class Ties {
  readonly #made = new Map<string, HTMLCanvasElement>()

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

  // wound is the long knot of several entries: a winding of so many pixels, in the dyes of the kinds, each as high as its part.
  wound(parts: readonly (readonly [dye: number, part: number])[], x: number, y: number, half: number, height: number): void {
    let top = y - height / 2
    for (const [dye, part] of parts) {
      const own = height * part
      if (own < 0.5) continue
      const image = this.#image(`wound ${dye}`, 2 * winding, longest, ctx => this.#wind(ctx, dye))
      for (let done = 0; done < own; done += longest) this.brush.crop(image, x - half, top + done, 2 * half, Math.min(longest, own - done))
      top += own
    }
  }

  #wind(ctx: CanvasRenderingContext2D, dye: number): void {
    const { palette } = this
    for (let y = 0; y < longest; y += 4) {
      ctx.fillStyle = palette.dyes[dye]!
      ctx.beginPath()
      ctx.roundRect(0.5, y + 0.2, 2 * winding - 1, 3.7, 2)
      ctx.fill()
      ctx.lineWidth = 0.9
      ctx.strokeStyle = palette.light
      ctx.globalAlpha = 0.55
      ctx.beginPath()
      ctx.moveTo(3, y + 1.5)
      ctx.lineTo(2 * winding - 5, y + 1)
      ctx.stroke()
      ctx.strokeStyle = palette.shade
      ctx.beginPath()
      ctx.moveTo(2, y + 3.5)
      ctx.lineTo(2 * winding - 2, y + 3.4)
      ctx.stroke()
      ctx.globalAlpha = 1
    }
  }

  #image(key: string, width: number, height: number, draw: (ctx: CanvasRenderingContext2D) => void): HTMLCanvasElement {
    const known = this.#made.get(key)
    if (known) return known
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

// winding is half the width of a winding as it is made, longest its height.
const winding = 12
const longest = 1200
