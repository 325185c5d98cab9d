import type { Scale } from './scale'

// A Tick is a moment that the axis names. One that stands first, first behind a fold, or where a greater unit begins, says that
// unit too, in a line above.
export interface Tick { readonly t: number, readonly y: number, readonly label: string, readonly above: string }

const second = 1000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour
const month = 365.2425 / 12 * day

// highest is how far below the main cord the first stands: two lines have room there.
const highest = 20

// farthest is beyond every time that an entry can have: nanoseconds in 64 bits reach to the year 2262.
const farthest = 1e13

type Unit = 'ms' | 's' | 'min' | 'h' | 'd' | 'month' | 'year'

// ladder is the units that labels speak in, how long each is, and in what numbers of it ticks may stand apart.
const ladder: readonly (readonly [Unit, number, readonly number[]])[] = [
  ['ms', 1, [1, 2, 5, 10, 20, 50, 100, 200, 500]],
  ['s', second, [1, 2, 5, 10, 15, 30]],
  ['min', minute, [1, 2, 5, 10, 15, 30]],
  ['h', hour, [1, 2, 3, 6, 12]],
  ['d', day, [1, 2, 7, 14]],
  ['month', month, [1, 3, 6]],
  ['year', 12 * month, [1, 2, 5, 10, 20, 50, 100]],
]

interface Step { readonly unit: Unit, readonly n: number, readonly ms: number }

const steps: readonly Step[] = ladder.flatMap(([unit, ms, ns]) => ns.map(n => ({ unit, n, ms: n * ms })))

// ticks returns the moments until a time that the axis names, at least `apart` pixels from each other, all in UTC. None is inside a fold, or
// where a brink is named.
export function ticks(scale: Scale, apart: number, until = farthest, named: readonly Brink[] = []): Tick[] {
  const step = steps.find(s => s.ms * scale.density >= apart) ?? steps[steps.length - 1]!
  const out: Tick[] = []
  const end = Math.min(scale.to, until)
  let fold = 0
  let fresh = true
  let lowest = -Infinity
  for (let t = atOrAfter(Math.max(scale.from, -farthest), step); t <= end; t = atOrAfter(t + 0.5, step)) {
    while (fold < scale.folds.length && scale.folds[fold]!.to <= t) {
      const gone = scale.folds[fold++]!
      fresh = named.length === 0 || gone.y + gone.height < highest
    }
    const inside = scale.folds[fold]
    if (inside && inside.from < t) {
      // Behind the fold the axis takes up where time goes on, on a step or not.
      t = Math.max(t, inside.to - 0.5)
      continue
    }
    const y = scale.y(t)
    if (y < highest || y - lowest < apart * 0.8 || named.some(b => y > b.y - 2 * line && y < b.y + (b.lines.length + 1) * line)) continue
    const [label, above] = called(t, step.unit)
    out.push({ t, y, label, above: fresh || greater(t, step.unit) ? above : '' })
    fresh = false
    lowest = y
  }
  return out
}

// atOrAfter is the first step that is not before t.
function atOrAfter(t: number, step: Step): number {
  if (step.unit !== 'month' && step.unit !== 'year') return Math.ceil(t / step.ms) * step.ms
  const months = step.unit === 'month' ? step.n : 12 * step.n
  const at = Math.floor(monthOf(t) / months) * months
  return beginOf(at) >= t ? beginOf(at) : beginOf(at + months)
}

// monthOf counts months from the beginning of the year 0.
function monthOf(t: number): number {
  const d = new Date(t)
  return d.getUTCFullYear() * 12 + d.getUTCMonth()
}

function beginOf(months: number): number {
  const d = new Date(0)
  d.setUTCFullYear(Math.floor(months / 12), months - 12 * Math.floor(months / 12), 1)
  return d.getTime()
}

// greater says whether a greater unit than that of the ticks begins at t.
function greater(t: number, unit: Unit): boolean {
  const d = new Date(t)
  switch (unit) {
    case 'ms': return d.getUTCMilliseconds() === 0
    case 's': return t % minute === 0
    case 'min': case 'h': return t % day === 0
    case 'd': return d.getUTCDate() === 1
    case 'month': return d.getUTCMonth() === 0
    case 'year': return false
  }
}

export const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const

// A Brink is where time breaks off at a fold, or goes on behind it: what the axis says there, in lines from y downwards.
export interface Brink { readonly y: number, readonly lines: readonly string[] }

// line is how far lines are apart, where letters are as large as usual.
export const line = 13

// brinks names both sides of each fold that is seen, to the day and with the year, and more exactly where the fold is short; and the time at which
// the log begins, where that is seen with folds, and now, where that has room. What stands between two folds and has no room for two names is named once, or moved apart.
export function brinks(scale: Scale, em: number, begin = NaN, now?: { t: number, word: string }): Brink[] {
  const high = line * em
  const out: { y: number, lines: string[] }[] = []
  const folds = scale.folds.filter(f => f.y < scale.height + high && f.y + f.height > -high)
  let date = ''
  const name = (t: number, y: number, span: number, above: boolean) => {
    const lines = span < 2 * day ? [dated(t), clock(t, span)] : [dated(t)]
    const before = above ? out[out.length - 1] : undefined
    const foot = before ? before.y + (before.lines.length - 0.5) * high : -Infinity
    // What is dated just above is of the same day.
    if (y - foot < lines.length * high && lines[0] === date) lines.shift()
    date = dated(t)
    const top = y - (above ? (lines.length - 1) * high : 0)
    const over = foot - (top - high / 2)
    if (lines.length === 0 && before) before.y += Math.max(0, y - before.y) / 2
    else if (over > 0 && before) {
      before.y -= over / 2
      out.push({ y: top + over / 2, lines })
    } else out.push({ y: top, lines })
  }
  if (folds.length > 0 && begin >= scale.from && begin < folds[0]!.from) name(begin, scale.y(begin), Infinity, false)
  for (const f of folds) {
    name(f.from, f.y, f.to - f.from, true)
    name(f.to, f.y + f.height, f.to - f.from, false)
  }
  const foot = out[out.length - 1]
  if (now && (!foot || scale.y(now.t) - foot.y > (foot.lines.length + 0.4) * high)) out.push({ y: scale.y(now.t), lines: [now.word] })
  return out.filter(b => b.y > highest / 2 && b.y + (b.lines.length - 1) * high < scale.height - 6)
}

const dated = (t: number) => { const d = new Date(t); return `${d.getUTCDate()} ${months[d.getUTCMonth()]!} ${d.getUTCFullYear()}` }

// clock is the time of day, as fine as a span of time needs it.
function clock(t: number, span: number): string {
  const iso = new Date(t).toISOString()
  return iso.slice(11, span < 5 * second ? 23 : span < 5 * minute ? 19 : 16)
}

const two = (n: number) => String(n).padStart(2, '0')

// called is how a moment is called in a unit, and what that unit is part of.
function called(t: number, unit: Unit): [label: string, above: string] {
  const d = new Date(t)
  const clock = `${two(d.getUTCHours())}:${two(d.getUTCMinutes())}`
  const month = months[d.getUTCMonth()]!
  const date = `${d.getUTCDate()} ${month}`
  const year = String(d.getUTCFullYear())
  switch (unit) {
    case 'year': return [year, '']
    case 'month': return [month, year]
    case 'd': return [date, year]
    case 'h': case 'min': return [clock, date]
    case 's': return [`${clock}:${two(d.getUTCSeconds())}`, date]
    case 'ms': return [`:${two(d.getUTCSeconds())}.${String(d.getUTCMilliseconds()).padStart(3, '0')}`, clock]
  }
}
