import type { Brush } from './brush'
import type { Palette } from './dyes'
import type { Look } from './draw'
import { loose, type Scene } from './scene'

// fading is how high the strip is in which cords fade that go on beyond what is seen.
const fading = 46

// few is how far apart cords hang whose counts stand at each of them, and worded those that have room for words, too.
const few = 42
const worded = 150

// beyond shows of cords that they go on above and below what is seen: they fade, and it is said how many entries stand there. Of cords that hang
// beside what is seen it says how many there are.
export function beyond(brush: Brush, palette: Palette, scene: Scene, look: Look): void {
  const depth = look.height - look.head
  const hanging = scene.hangings
  if (hanging.some(h => Math.max(h.end - loose, h.ghost ?? 0) > depth)) {
    brush.fade(0, depth - fading, look.width, fading, palette.ground, 1)
    counts(brush, palette, scene, look, 'below', depth - 11 * look.em)
  }
  if (hanging.some(h => h.begin < 0 && h.above > 0)) {
    brush.fade(0, 0, look.width, fading, palette.ground, -1)
    counts(brush, palette, scene, look, 'above', 19 * look.em)
  }
  const { x } = scene.columns
  aside(brush, palette, look, x.filter(at => at < look.left - 2).length, 'left')
  aside(brush, palette, look, x.filter(at => at > look.width - 2).length, 'right')
}

function aside(brush: Brush, palette: Palette, look: Look, n: number, side: 'left' | 'right'): void {
  if (n === 0) return
  const words = look.cords(n, side)
  const [wide, high] = [(6.4 * words.length + 12) * look.em, 20 * look.em]
  const x = side === 'left' ? look.left : look.width - wide
  const y = 32 * look.em
  brush.rect(x, y, wide, high, `${palette.ground}e8`)
  brush.text(words, x + wide / 2, y + high / 2, palette.ink, `${11.5 * look.em}px ${look.font}`, 'center')
}

function counts(brush: Brush, palette: Palette, scene: Scene, look: Look, where: 'above' | 'below', y: number): void {
  const { apart } = scene.columns
  const font = `${11.5 * look.em}px ${look.font}`
  if (apart < few) {
    const all = scene.hangings.reduce((n, h) => n + h[where], 0)
    if (all > 0) brush.text(look.more(all, where, true), (look.left + look.width) / 2, y, palette.ink, font, 'center')
    return
  }
  for (const h of scene.hangings) if (h[where] > 0) brush.text(look.more(h[where], where, apart >= worded), h.x, y, palette.ink, font, 'center')
}
