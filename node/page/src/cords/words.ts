import { ago, count, list, moment, number, short, span } from '../format'
import { authors } from '../node'
import { quoted, visible } from '../safe'
import { texts } from '../text'
import type { Look } from './draw'
import { inseparable, type Knot } from './knots'
import type { Hanging } from './scene'
import type { Seen } from './seen'
import { tightness, type Standing } from './standing'
import { months } from './ticks'

// nameOf is how a cord is called: what its author calls itself, or the first digits of its key.
export function nameOf(key: string, name = authors.peek().find(a => a.author === key)?.name): string {
  return name || short(key)
}

// brief writes a count in four characters at most: 999, 1.2k, 35k, 7M.
export function brief(n: number): string {
  for (const [unit, sign] of [[1e9, 'G'], [1e6, 'M'], [1e3, 'k']] as const) {
    if (n < unit * 0.9995) continue
    return `${n / unit < 9.95 ? (n / unit).toFixed(1).replace('.0', '') : Math.round(n / unit)}${sign}`
  }
  return String(n)
}

// drawn are the words that stand in the picture itself.
export const drawn: Pick<Look, 'label' | 'folded' | 'said' | 'stub' | 'more' | 'cords'> & { readonly now: string } = {
  now: texts.cords.now,
  label: h => visible(nameOf(h.cord.author, h.cord.name), 16),
  folded: ms => texts.cords.folded(silence(ms)),
  said: h => h.standing ? lag(h.standing) : [],
  stub: t => String(new Date(t).getUTCFullYear()),
  cords: (n, side) => texts.cords.aside[side](count(n, 'cord', 'cords')),
  more: (n, where, worded) => worded ? texts.cords.more[where](count(n, 'entry', 'entries')) : `${where === 'above' ? '↑' : '↓'} ${brief(n)}`,
}

// silence is how long a silence is: in hours up to two days, and in days up to a hundred, where months would be too coarse.
export function silence(ms: number): string {
  const hours = Math.floor(ms / 3_600_000)
  if (hours < 24 || hours >= 2400) return span(ms / 1000)
  return hours < 48 ? count(hours, 'hour', 'hours') : count(Math.floor(hours / 24), 'day', 'days')
}

// lag says what a member lacks and why, and for how long still; nothing where it lacks nothing.
export function lag(s: Standing, now = Date.now()): string[] {
  const parts: string[] = []
  if (s.why.length > 0) parts.push(s.why.map(w => visible(w, 40)).join(', '))
  else if (s.cut) parts.push(texts.cords.cut[s.state] ?? texts.cords.unlinked)
  if (s.cut) parts.push(s.heard === null ? texts.cords.neverHeard : texts.cords.heard(ago(s.heard, now)))
  if (s.lacks) parts.push(texts.cords.lacks(count(s.lacks, 'entry', 'entries')))
  if (s.lacks && s.caughtUp !== null) parts.push(texts.cords.last(span((now - s.caughtUp) / 1000)))
  if (s.behind) parts.push(texts.cords.behind(count(s.behind, 'entry', 'entries')))
  if (s.left !== null) parts.push(texts.cords.left(span(Math.max(1, s.left))))
  return parts
}

// cord says what a cord has.
export function cord(h: Hanging): string {
  const parts = [count(h.cord.next - (h.cord.floor ?? 0), 'entry', 'entries')]
  if (h.above > 0) parts.push(texts.cords.above(number(h.above)))
  if (h.cord.floor) parts.push(texts.cords.pruned(number(h.cord.floor)))
  if (h.cord.trimmed) parts.push(texts.cords.trimmed(number(h.cord.trimmed)))
  if (h.cord.disputed !== undefined) parts.push(texts.cords.forked(number(h.cord.disputed)))
  if (h.stubs.foot) parts.push(texts.cords.ahead(drawn.stub(h.cord.last)))
  if (h.stubs.top) parts.push(texts.cords.early(drawn.stub(h.cord.first)))
  if (h.standing && !h.own) parts.push(...lag(h.standing))
  return parts.join(' · ')
}

// times says when the entries of a knot are: its cell may begin before its cord does, and end behind it.
export function times(h: Hanging, k: Knot): string {
  if (k.n === 1) return moment(k.from, true)
  const [from, to] = [moment(Math.max(k.from, h.cord.first)), moment(Math.min(k.to, h.cord.last))]
  return from === to ? from : `${from} – ${to}`
}

// held says who has a knot.
export function held(h: Hanging, k: Knot): string {
  const place = k.n === 1 ? `${short(h.cord.author)}/${k.lo}` : texts.cords.several(number(k.n), inseparable(k))
  if (!h.cord.held) return place
  return `${place} · ${texts.cords.tight[tightness(k.hi, h.cord.held)]}`
}

// seen says what there is to be seen.
export function seen(s: Seen): string {
  const words = texts.cords
  const first = s.entries === 0 ? words.seenNone(range(s.from, s.to)) : words.seen(count(s.entries, 'entry', 'entries'), count(s.cords, 'cord', 'cords'), range(s.from, s.to))
  const more: string[] = []
  if (s.forks > 0) more.push(words.seenForks(s.forks))
  if (s.trimmed > 0) more.push(words.seenTrimmed(s.trimmed))
  if (s.pruned.length > 0) more.push(s.pruned.length <= 3 ? list(s.pruned.map(h => words.seenPruned(number(h.cord.floor!), called(h)))) + words.were : words.seenPrunedMany(s.pruned.length))
  if (s.cut.length > 0) more.push(words.seenCut(s.cut.length <= 3 ? list(s.cut.map(called)) : words.members(s.cut.length), s.cut.length))
  const rest = more.join('; ')
  return [first, s.folds > 0 && words.seenFolds(s.folds), rest && `${rest[0]!.toUpperCase()}${rest.slice(1)}.`, s.others.authors > 0 && words.seenOthers(s.others.authors), s.behind > 0 && words.seenBehind(number(s.behind))].filter(Boolean).join(' ')
}

// called is how a sentence names a cord.
const called = (h: Hanging): string => {
  const name = nameOf(h.cord.author, h.cord.name)
  return name === short(h.cord.author) ? name : quoted(name, 30)
}

const long = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'] as const

// range is from when to when, as fine as it takes to tell the two apart: months, days, or times of a day.
export function range(from: number, to: number): string {
  const [a, b] = [new Date(from), new Date(to)]
  const day = (d: Date) => `${d.getUTCDate()} ${months[d.getUTCMonth()]!} ${d.getUTCFullYear()}`
  if (to - from > 400 * 86_400_000) return `${long[a.getUTCMonth()]!} ${a.getUTCFullYear()} to ${long[b.getUTCMonth()]!} ${b.getUTCFullYear()}`
  if (to - from > 4 * 86_400_000) return `${day(a)} to ${day(b)}`
  const clock = (d: Date) => d.toISOString().slice(11, to - from < 5000 ? 23 : to - from < 300_000 ? 19 : 16)
  return `${day(a)} ${clock(a)} to ${day(a) === day(b) ? '' : `${day(b)} `}${clock(b)} UTC`
}
