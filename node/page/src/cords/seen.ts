import { count as entriesOf, type Answer } from './forms'
import { other } from './kinds'
import type { Knot } from './knots'
import type { Hanging, Scene } from './scene'
import { tightness } from './standing'

// Mark is something that a picture may have, and that the legend explains where it does.
export type Mark = 'cord' | 'main' | 'one' | 'bundle' | 'tight' | 'half' | 'open' | 'fold' | 'bead' | 'strands' | 'thin' | 'bound' | 'ghost'

// Seen is what there is to be seen, for those who are told of it.
export interface Seen {
  readonly from: number, readonly to: number, readonly cords: number, readonly entries: number, readonly folds: number
  readonly others: { readonly authors: number, readonly entries: number }
  // behind is how many entries the node has not counted yet.
  readonly behind: number
  // kinds are those that are named, each with its dye; rest says that there are others.
  readonly kinds: readonly (readonly [kind: string, dye: number])[], readonly rest: boolean, readonly whole: boolean
  readonly has: ReadonlySet<Mark>
  // forks is how many authors contradict themselves, trimmed how many entries are held without their bodies. Of the cords in pruned the beginning is
  // gone; those in cut are of members that cannot be reached.
  readonly forks: number, readonly trimmed: number, readonly pruned: readonly Hanging[], readonly cut: readonly Hanging[]
}

// Of is what a scene is seen with: the log without what lies far outside, now, and how many followers there are.
export interface Of { readonly whole: Answer, readonly now: number, readonly beads: number, readonly all: boolean, readonly dye: (kind: number) => number }

// seenOf says what there is to be seen in a scene of an answer.
export function seenOf(s: Scene, answer: Answer, of: Of): Seen {
  const inside = (k: Knot) => k.y >= 0 && k.y <= s.scale.height
  const sums = s.hangings.map(h => h.knots.reduce((n, k) => n + (inside(k) ? k.n : 0), 0))
  const kinds = answer.kinds.map((k, i) => [k, of.dye(i)] as const)
  const counts = {
    forks: s.hangings.filter(h => h.cord.disputed !== undefined).length,
    trimmed: s.hangings.reduce((n, h) => n + (h.cord.trimmed ?? 0), 0),
    pruned: s.hangings.filter(h => h.cord.floor),
    cut: s.hangings.filter(h => h.standing?.cut),
  }
  const [from, to] = told(s, of, s.hangings.filter((_, i) => sums[i]! > 0))
  return {
    from, to,
    cords: sums.filter(n => n > 0).length, entries: sums.reduce((a, b) => a + b, 0),
    folds: s.scale.folds.filter(f => f.y > -f.height && f.y < s.scale.height).length,
    others: answer.others, behind: answer.behind ?? 0, kinds, rest: kinds.some(([, dye]) => dye === other) || unnamed(answer), whole: of.all,
    has: marks(s, of, counts), ...counts,
  }
}

// told is from when to when the entries are that are seen, where all of the log is looked at, and else what is looked at. A time of a knot is that
// of its cell, which begins before its first entry and ends behind its last; a cord knows its own first and last.
function told(s: Scene, of: Of, tied: readonly Hanging[]): [from: number, to: number] {
  const window = [Math.max(s.scale.from, of.whole.from), Math.min(s.scale.to, of.now)] as const
  if (!of.all || tied.length === 0) return [...window]
  const least = (h: Hanging) => Math.max(h.cord.first, ...h.knots.slice(0, 1).map(k => k.from))
  const most = (h: Hanging) => Math.min(h.cord.last, ...h.knots.slice(-1).map(k => k.to))
  return [Math.max(window[0], Math.min(...tied.map(least))), Math.min(window[1], Math.max(...tied.map(most)))]
}

// unnamed says whether there are entries whose kind is not named.
const unnamed = (answer: Answer): boolean => answer.cords.some(c => c.cells.some(cell => {
  let n = entriesOf(cell)
  for (let p = 6; p < cell.length; p += 2) n -= cell[p]!
  return n > 0
}))

function marks(s: Scene, of: Of, counts: Pick<Seen, 'forks' | 'trimmed' | 'pruned' | 'cut'>): Set<Mark> {
  const has = new Set<Mark>(['cord', 'main', 'one', 'bundle'])
  const held = s.hangings.filter(h => h.cord.held && h.cord.next > 0)
  const loose = new Set(held.map(h => tightness(h.cord.next - 1, h.cord.held)))
  // Loops are explained where there is one; a newest knot that is open has most likely others above it that are half drawn.
  if (loose.has('open') || loose.has('half')) for (const how of ['tight', 'half', 'open'] as const) if (how !== 'open' || loose.has('open')) has.add(how)
  const some: [Mark, boolean][] = [
    ['fold', s.scale.folds.length > 0], ['bead', of.beads > 0], ['strands', counts.forks > 0], ['thin', counts.trimmed > 0],
    ['bound', counts.pruned.length > 0], ['ghost', s.hangings.some(h => h.ghost !== null)],
  ]
  for (const [mark, there] of some) if (there) has.add(mark)
  return has
}
