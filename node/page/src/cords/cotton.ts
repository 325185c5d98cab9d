import type { Brush } from './brush'
import type { Palette } from './dyes'
import { sum } from './kinds'

// sway is how far to the side a cord hangs at a height: no cord is quite straight, and each is so in its own way.
export function sway(author: string, apart: number, y: number): number {
  const phase = (sum(author) % 628) / 100
  return Math.min(3, apart * 0.05) * Math.sin(y / 110 + phase) * Math.min(1, Math.max(0, y) / 80)
}

// thickness of a cord, where cords hang so far apart.
export const thickness = (apart: number): number => Math.min(5.5, Math.max(1.1, apart * 0.16))

// A Run is a stretch of a cord from one height down to another, about x, `aside` to the right of where the cord hangs.
export interface Run { author: string, x: number, apart: number, from: number, to: number, aside?: (y: number) => number }

// course is the line that a run takes.
export function course(run: Run): number[] {
  const points: number[] = []
  const place = (y: number) => { points.push(run.x + sway(run.author, run.apart, y) + (run.aside?.(y) ?? 0), y) }
  for (let y = run.from; y < run.to; y += 18) place(y)
  if (run.to > run.from) place(run.to)
  return points
}

// Cotton draws cords of the palette's tones. Its twist is a pattern for each tone.
export class Cotton {
  readonly #twists = new Map<string, CanvasPattern | null>()

  constructor(readonly brush: Brush, readonly palette: Palette) {}

  tone(author: string): string {
    return this.palette.cotton[sum(author) % this.palette.cotton.length]!
  }

  // cord draws a run in a tone: its yarn, and richly the twist of it.
  cord(points: readonly number[], tone: string, width: number, rich: boolean, dash: readonly number[] = []): void {
    this.brush.line(points, tone, width, dash)
    if (rich) this.brush.line(points, this.#twist(tone) ?? tone, width, dash)
  }

  // rope is the main cord, which lies across.
  rope(x0: number, x1: number, y: number): void {
    const points: number[] = []
    for (let x = x0; x < x1; x += 24) points.push(x, y + Math.sin(x / 140) * 1.5)
    points.push(x1, y + Math.sin(x1 / 140) * 1.5)
    this.brush.line(points.map((p, i) => i % 2 === 0 ? p : p + 1.5), this.palette.shade, 11)
    this.brush.line(points, this.palette.cotton[1]!, 10)
    this.brush.line(points, this.#twist(this.palette.cotton[1]!) ?? this.palette.cotton[1]!, 10)
  }

  // fray draws the loose end of a cord: in two fibres, or richly in five.
  fray(x: number, y: number, tone: string, size: number, rich: boolean): void {
    for (const k of rich ? [-2, -1, 0, 1, 2] : [-1, 1]) {
      this.brush.line([x, y, x + k * size * 0.16, y + size * 0.5, x + k * size * 0.3, y + size * (1 - Math.abs(k) * 0.12)], tone, 1)
    }
  }

  // binding is the end that a prune leaves: the cord is wound round and cut.
  binding(x: number, y: number, width: number, tone: string, rich: boolean): void {
    for (let k = 0; k < (rich ? 4 : 1); k++) this.brush.line([x - width - 1.5, y + k * 3, x + width + 1.5, y + k * 3 - 1], k % 2 === 0 ? this.palette.ink : tone, 1.8)
  }

  // banded is the second strand of a feed that parts.
  banded(points: readonly number[], width: number): void {
    this.brush.line(points, this.palette.warn, width)
    this.brush.line(points, this.palette.ground, width * 0.72, [3, 5])
  }

  // bead is a follower's, on the main cord.
  bead(x: number, y: number, failing: boolean): void {
    this.brush.disc(x, y, 6.5, this.palette.ground)
    this.brush.disc(x, y, 5.2, failing ? this.palette.warn : this.palette.focus)
    this.brush.disc(x - 1.6, y - 1.8, 1.5, this.palette.light)
  }

  // hitch is the loop by which a cord hangs on the main cord.
  hitch(x: number, y: number, tone: string, width: number, rich: boolean): void {
    const w = Math.max(1.4, width * 0.8)
    this.brush.line([x - w * 1.1, y - 7, x - w * 0.9, y + 7], tone, w)
    if (rich) this.brush.line([x + w * 1.1, y - 7, x + w * 0.9, y + 7], tone, w)
  }

  #twist(tone: string): CanvasPattern | null {
    const known = this.#twists.get(tone)
    if (known !== undefined) return known
    const size = 8
    const ratio = this.brush.ratio
    const tile = document.createElement('canvas')
    tile.width = tile.height = Math.round(size * ratio)
    const ctx = tile.getContext('2d')
    if (ctx) {
      ctx.scale(tile.width / size, tile.height / size)
      for (const [style, shift, width] of [[this.palette.shade, 0, 1.7], [this.palette.light, 2.6, 1.3]] as const) {
        ctx.strokeStyle = style
        ctx.lineWidth = width
        for (const x of [-size, 0, size]) {
          ctx.beginPath()
          ctx.moveTo(x + shift, size + 1)
          ctx.lineTo(x + shift + size, -1)
          ctx.stroke()
        }
      }
    }
    const pattern = this.brush.ctx.createPattern(tile, 'repeat')
    pattern?.setTransform(new DOMMatrix([size / tile.width, 0, 0, size / tile.height, 0, 0]))
    this.#twists.set(tone, pattern)
    return pattern
  }
}
