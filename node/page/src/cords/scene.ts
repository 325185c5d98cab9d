import { columns, type Columns } from './columns'
import { at, count, hi, lo, type Answer, type Cell, type Cord } from './forms'
import { grid, groups, tie, visible, type Knot } from './knots'
import { day } from './loom'
import type { Fold, Scale } from './scale'
import { tightness, type Standing } from './standing'
import { strokes as tear } from './tear'

// A Hanging is one cord as it is drawn, with all that is on it. Heights are below the main cord.
export interface Hanging {
  readonly cord: Cord, readonly x: number, readonly standing: Standing | undefined, readonly own: boolean
  // begin is where the log begins; end is where the cord ends, which may be below what is seen; ghost is how far down it would reach if it lacked
  // nothing. bound is where a prune has bound it off, thin up to where bodies were trimmed, fork from where it has two strands.
  readonly begin: number, readonly end: number, readonly ghost: number | null, readonly bound: number | null, readonly thin: number | null, readonly fork: number | null
  readonly stubs: { readonly top: boolean, readonly foot: boolean }
  // above and below are how many entries stand above and below what is seen, as far as they are loaded or counted.
  readonly above: number, readonly below: number
  readonly knots: readonly Knot[]
}

export interface Scene {
  readonly columns: Columns, readonly hangings: readonly Hanging[], readonly scale: Scale
  // cell is how many pixels a knot has for itself. rich says that there are strokes enough for all that a cord has, spare how many are left over.
  readonly cell: number, readonly rich: boolean, readonly spare: number
}

export interface Asked {
  // strokes is how many of them a frame may have.
  answer: Answer, scale: Scale, left: number, width: number, pan: number, strokes: number, beads: number, em: number
  standings: ReadonlyMap<string, Standing>, now: number
  // whole is the time that the log has without what lies far outside.
  whole: { from: number, to: number }
}

// loose is how far a cord hangs down below its last knot, where nobody ties a further one at present.
export const loose = 26

// scene lays out what is seen. Knots are tied together until the strokes that they take are no more than are left for them.
export function scene(asked: Asked): Scene {
  const { answer, scale } = asked
  const cords = order(answer.cords)
  const cols = columns(cords.length, asked.left, asked.width, asked.pan)
  const seen = cords.map((_, i) => cols.x[i]! > asked.left - cols.apart && cols.x[i]! < asked.width + cols.apart)
  const hanging = cords.filter((_, i) => seen[i])
  const { rich, each, left } = spend(hanging, asked, cols.apart)
  const { cell, folds } = cellFor(hanging, scale, room(cols.apart, asked.em), Math.max(20, left / each))
  const ms = grid(scale, cell)
  const hangings = cords.map((cord, i) => {
    const knots = seen[i] ? tie(cord.cells, visible(cord.cells, scale, spare(cell, scale)), scale, ms, folds) : []
    return hang(cord, cols.x[i]!, knots, asked)
  })
  const over = left - each * hangings.reduce((n, h) => n + h.knots.length, 0)
  return { columns: cols, hangings: hangings.filter((_, i) => seen[i]), scale, cell, rich, spare: Math.max(0, over) }
}

// order puts cords beside each other by when they begin, so that one that began later hangs further to the right, wherever
// the window is.
export function order(cords: readonly Cord[]): Cord[] {
  return [...cords].sort((a, b) => a.first - b.first || (a.author < b.author ? -1 : 1))
}

// radius is that of a knot on cords that hang so far apart.
export const radius = (apart: number, em: number): number => Math.min(9 * em, Math.max(2.2, apart * 0.38))

// room is how many pixels of a cord a knot takes for itself.
const room = (apart: number, em: number): number => 3 * radius(apart, em)

// manyKinds is how far apart cords hang whose knots show up to three kinds; of those that hang nearer each shows one.
export const manyKinds = 10

// cost is how many strokes a cord takes at most, without its knots: richly drawn, or plainly.
function cost(cord: Cord, rich: boolean): number {
  const run = rich ? 2 : 1
  const marks = (cord.floor ? (rich ? 5 : 2) : 0) + (cord.before + cord.after > 0 ? (rich ? 8 : 2) : 0)
  return run + marks + (rich ? 10 : 4) + (cord.trimmed ? run : 0) + (cord.disputed === undefined ? 0 : rich ? 2 * run + 10 : 2)
}

// around is how many strokes are kept for what is no cord and no knot.
function around(asked: Asked): number {
  const { folds, height } = asked.scale
  const seen = folds.filter(f => f.y + f.height > 0 && f.y < height).length
  return 160 + 7 * asked.beads + height / 10 + (tear + 4) * seen
}

// spend says whether cords are drawn richly, how many strokes are left for knots, and how many each of these takes.
function spend(cords: readonly Cord[], asked: Asked, apart: number): { rich: boolean, each: number, left: number } {
  const of = (rich: boolean) => cords.reduce((n, c) => n + cost(c, rich), 0)
  const rich = apart >= 17 && of(true) < 0.5 * asked.strokes
  const loops = cords.some(c => c.held && tightness(c.next - 1, c.held) !== 'tight') ? 2 : 0
  const across = cords.some(c => c.disputed !== undefined) ? 1 : 0
  return { rich, each: 1 + loops + across, left: asked.strokes - of(rich) - around(asked) }
}

// spare is how far above and below what is seen knots are tied.
const spare = (cell: number, scale: Scale): number => Math.min(2 * cell, scale.height)

// cellFor is how high a cell of the grid has to be, so that no more knots are tied than there are strokes for, and at which folds knots are
// kept apart: at all that are seen, or at none where they alone would make too many knots.
function cellFor(cords: readonly Cord[], scale: Scale, least: number, budget: number): { cell: number, folds: readonly Fold[] } {
  const tied = (cell: number, folds: readonly Fold[]) => {
    const ms = grid(scale, cell)
    return cords.reduce((n, c) => n + groups(c.cells, visible(c.cells, scale, spare(cell, scale)), ms, folds), 0)
  }
  const seen = scale.folds.filter(f => f.y + f.height > -scale.height && f.y < 2 * scale.height)
  const folds = seen.length > 0 && tied(1e15, seen) <= budget ? seen : []
  let cell = least
  // Across folds little height is much time: there the grid may have to be wider than what is seen.
  while (cell < 1e15 && tied(cell, folds) > budget) cell *= 2
  return { cell, folds }
}

function hang(cord: Cord, x: number, knots: Knot[], asked: Asked): Hanging {
  const { scale, answer, now, whole } = asked
  const standing = asked.standings.get(cord.author)
  const own = cord.author === answer.node
  const newest = Math.min(cord.last, whole.to)
  const lowest = cord.cells.length > 0 || cord.last < scale.from ? scale.y(newest) : scale.y(whole.from)
  const today = scale.y(now)
  const present = own || (standing !== undefined && !standing.cut)
  const behind = standing !== undefined && !own && (standing.cut || standing.caughtUp !== null)
  const shown = visible(cord.cells, scale, 0)
  const end = behind ? Math.max(standing.caughtUp === null ? lowest : scale.y(standing.caughtUp), lowest) : present ? Math.max(today, lowest) : lowest
  return {
    cord, x, standing, own, knots, begin: scale.y(whole.from),
    end: end + (present && !behind ? 12 : loose),
    ghost: behind ? Math.max(today, end + loose) : null,
    bound: cord.floor && cord.cells[0] ? scale.y(at(cord.cells[0])) - 14 : null,
    thin: thinUntil(cord, scale),
    fork: forkAt(cord, scale),
    stubs: { top: cord.first < whole.from, foot: cord.last > Math.max(whole.to, now + day) },
    above: cord.before + entries(cord.cells.slice(0, shown[0])), below: cord.after + entries(cord.cells.slice(shown[1])),
  }
}

const entries = (cells: readonly Cell[]): number => cells.reduce((n, c) => n + count(c), 0)

// thinUntil is down to where bodies are trimmed: they go from the oldest on.
function thinUntil(cord: Cord, scale: Scale): number | null {
  if (!cord.trimmed) return null
  const first = (cord.floor ?? 0) + cord.trimmed
  const kept = cord.cells.find(c => hi(c) >= first)
  return kept ? scale.y(at(kept)) : scale.y(cord.last)
}

function forkAt(cord: Cord, scale: Scale): number | null {
  if (cord.disputed === undefined) return null
  const disputed = cord.disputed
  const first = cord.cells.find(c => lo(c) >= disputed || hi(c) >= disputed)
  return first ? scale.y(at(first)) - 16 : scale.y(cord.last)
}
