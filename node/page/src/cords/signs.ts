import type { Brush } from './brush'
import { Cotton } from './cotton'
import type { Palette } from './dyes'
import type { Mark } from './seen'
import { tear } from './tear'
import { Ties } from './ties'

// wide is how wide the sign of a mark is; high is how high all are.
export const wide = (mark: Mark): number => mark === 'bundle' ? 46 : mark === 'fold' || mark === 'main' ? 34 : 24
export const high = 24

// draw makes the sign of a mark with what the picture itself is drawn with.
export function draw(brush: Brush, palette: Palette, mark: Mark, dye: number): void {
  const [w, h] = [wide(mark), high]
  const cotton = new Cotton(brush, palette)
  const ties = new Ties(brush, palette)
  const tone = palette.cotton[0]!
  const cord = (x: number, y = 0, width = 3.4, until = h) => cotton.cord([x, y, x, until], tone, width, true)
  brush.begin(w, h)
  switch (mark) {
    case 'cord': cord(w / 2, 0, 4.4); break
    case 'main':
      for (const x of [8, 26]) cord(x, 8, 3)
      cotton.rope(0, w, 7)
      break
    case 'one': cord(w / 2); ties.single(dye, 'tight', w / 2, h / 2, 7); break
    case 'bundle':
      cord(9)
      cord(31)
      ties.wound([[dye, 1]], 9, h / 2, 5, 8, 2)
      ties.wound([[dye, 1]], 31, h / 2, 14, 20, 6)
      break
    case 'tight': case 'half': case 'open': cord(w / 2); ties.single(dye, mark, w / 2, h / 2, 6); break
    case 'fold':
      for (const x of [9, 25]) cord(x)
      tear(brush, palette, { fold: { from: 3, to: 8, y: 2, height: 20 }, x0: 0, x1: w, middle: 0, words: '', font: '', em: 0.5 })
      break
    case 'bead':
      cotton.rope(0, w, h / 2)
      cotton.bead(w / 2, h / 2, false)
      break
    case 'strands':
      cotton.cord([12, 0, 12, 5, 6, 14, 6, h], tone, 3, true)
      cotton.banded([12, 0, 12, 5, 18, 14, 18, h], 3)
      break
    case 'thin': cord(w / 2, 0, 1.2, 13); cord(w / 2, 12, 4.4); break
    case 'bound':
      cotton.cord([12, 0, 12, 8], tone, 1, false, [1, 4])
      cord(w / 2, 10, 4.4)
      cotton.binding(w / 2, 8, 4.4, tone, true)
      break
    case 'ghost':
      cotton.cord([12, 0, 12, 8], palette.gone, 3.4, true)
      brush.line([12, 8, 12, h], palette.gone, 1.6, [2, 4])
  }
}
