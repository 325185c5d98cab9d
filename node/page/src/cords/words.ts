import { ago, count, moment, number, short, span } from '../format'
import { authors } from '../node'
import { visible } from '../safe'
import { texts } from '../text'
import type { Look } from './draw'
import type { Knot } from './knots'
import type { Seen } from './picture'
import type { Hanging } from './scene'
import { tightness, type Standing } from './standing'

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
export const drawn: Pick<Look, 'label' | 'folded' | 'said' | 'stub' | 'more'> = {
  label: h => visible(nameOf(h.cord.author, h.cord.name), 16),
  folded: ms => texts.cords.folded(span(ms / 1000)),
  said: h => h.standing ? lag(h.standing) : [],
  stub: t => String(new Date(t).getUTCFullYear()),
  more: (n, where, worded) => worded ? texts.cords.more[where](count(n, 'entry', 'entries')) : `${where === 'above' ? '↑' : '↓'} ${brief(n)}`,
}

// lag says what a member lacks and why, and for how long still; nothing where it lacks nothing.
export function lag(s: Standing, now = Date.now()): string[] {
  const parts: string[] = []
  if (s.cut) parts.push(s.heard === null ? texts.cords.neverHeard : texts.cords.heard(ago(s.heard, now)))
  if (s.lacks) parts.push(texts.cords.lacks(count(s.lacks, 'entry', 'entries')))
  if (s.lacks && s.caughtUp !== null) parts.push(texts.cords.last(span((now - s.caughtUp) / 1000)))
  if (s.behind) parts.push(texts.cords.behind(count(s.behind, 'entry', 'entries')))
  if (s.why.length > 0) parts.push(s.why.map(w => visible(w, 40)).join(', '))
  else if (s.cut) parts.push(texts.cords.cut[s.state] ?? texts.cords.unlinked)
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

// held says who has a knot.
export function held(h: Hanging, k: Knot): string {
  const place = k.n === 1 ? `${short(h.cord.author)}/${k.lo}` : texts.cords.several(number(k.n))
  if (!h.cord.held) return place
  return `${place} · ${texts.cords.tight[tightness(k.hi, h.cord.held)]}`
}

// seen says what there is to be seen.
export function seen(s: Seen): string {
  if (s.entries === 0) return texts.cords.seenNone(moment(s.from), moment(s.to))
  return texts.cords.seen(
    count(s.cords, 'cord', 'cords'), count(s.entries, 'knot', 'knots'), moment(s.from), moment(s.to), span((s.to - s.from) / 1000),
    s.busiest ? visible(nameOf(s.busiest.cord.author, s.busiest.cord.name), 30) : '', s.folds, s.others.authors,
  )
}
