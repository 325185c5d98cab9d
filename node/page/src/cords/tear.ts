import type { Brush } from './brush'
import type { Palette } from './dyes'
import type { Fold } from './scale'

// A Tear is a fold as it is drawn: the ground is torn across, with zigzag edges, and between them stand the words of it.
export interface Tear { readonly fold: Fold, readonly x0: number, readonly x1: number, readonly middle: number, readonly words: string, readonly font: string, readonly em: number }

// strokes is how many a tear takes.
export const strokes = 5

// thick is how high a tear is, where letters are so large. It leaves room on both sides of the fold for what is tied there.
const thick = (em: number): number => 19 * em

// tear draws one, over the cords: they go on behind it.
export function tear(brush: Brush, palette: Palette, t: Tear): void {
  const y = t.fold.y + t.fold.height / 2
  const half = thick(t.em) / 2
  const upper = edge(t.fold.from, t.x0, t.x1, y - half)
  const lower = edge(t.fold.to, t.x0, t.x1, y + half)
  const back: number[] = []
  for (let i = lower.length - 2; i >= 0; i -= 2) back.push(lower[i]!, lower[i + 1]!)
  brush.area([...upper, ...back], palette.table)
  brush.line(upper.map((p, i) => i % 2 === 0 ? p : p + 1.5), palette.shade, 2)
  brush.line(upper, palette.torn, 1.4)
  brush.line(lower, palette.torn, 1.4)
  brush.text(t.words, t.middle, y + 0.5, palette.ink, t.font, 'center')
}

// edge is a line torn across at a height: no two are alike, and each is the same wherever it stands.
export function edge(seed: number, x0: number, x1: number, y: number): number[] {
  const points: number[] = []
  const apart = 6
  for (let i = 0; x0 + i * apart < x1 + apart; i++) {
    const part = 0.35 + 0.65 * rough(seed + i)
    points.push(Math.min(x1, x0 + i * apart + 2 * rough(seed - i)), y + (i % 2 === 0 ? part : -part) * 2.8)
  }
  return points
}

// rough is a number from 0 to 1 that looks like chance.
function rough(n: number): number {
  const r = Math.sin((n % 100_003) * 12.9898) * 43758.5453
  return r - Math.floor(r)
}
