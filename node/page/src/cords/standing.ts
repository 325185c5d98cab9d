import type { Link, Member } from '../api/forms'

// A Standing is how the picture shows a member's cord: where it has caught up, what it lacks, and how it is reached.
export interface Standing {
  readonly own: boolean
  // cut says that nothing can flow to or from the member, heard when something last did, in milliseconds; null when never.
  readonly cut: boolean, readonly heard: number | null
  // caughtUp is up to when it has all that this node holds, null where it lacks nothing or nobody knows.
  readonly caughtUp: number | null
  // lacks is how many entries it lacks, behind how many of its own this node lacks; null where the two have not compared.
  readonly lacks: number | null, readonly behind: number | null
  // left is in how many seconds it will have caught up, at the pace of late; null where it does not.
  readonly left: number | null
  readonly state: Member['state'], readonly why: readonly string[]
}

// Before is what was known of a member when it was last asked for, and when that was.
export interface Before { readonly lacks: number | null, readonly at: number, readonly linked: number | null }

// standingOf is how a member stands at the time `now`; before is what was known when it was last asked for.
export function standingOf(member: Member, link: Link | undefined, before: Before | undefined, now: number): Standing {
  const own = member.state === 'self'
  const cut = !own && !member.linked
  const lacks = own ? null : member.lacks
  const heard = [link?.heard, member.equalAt].map(t => t ? Date.parse(t) : NaN).concat(before?.linked ?? NaN).filter(t => t > 0)
  const equal = member.equalAt ? Date.parse(member.equalAt) : NaN
  return {
    own, cut, heard: heard.length > 0 ? Math.max(...heard) : null,
    caughtUp: (lacks ?? 0) > 0 || (cut && !own) ? (equal > 0 ? equal : null) : null,
    lacks, behind: own ? null : member.behind, left: cut ? null : left(lacks, before, now),
    state: member.state, why: member.conditions ?? [],
  }
}

// left is how many seconds it takes to lose what is lacked, at the pace since before.
function left(lacks: number | null, before: Before | undefined, now: number): number | null {
  if (lacks === null || lacks === 0 || !before || before.lacks === null) return null
  const pace = (before.lacks - lacks) / (now - before.at) * 1000
  return pace > 0 ? lacks / pace : null
}

// Tightness of a knot: only here, on some others, on all of them, or not known.
export type Tightness = 'open' | 'half' | 'tight'

// tightness says how far an entry has come, by the ends that the others have proven of its author's feed. Where no others are
// known, nobody can say more than that it is here.
export function tightness(seq: number, held: readonly number[] | undefined): Tightness {
  if (!held) return 'tight'
  let have = 0
  for (const next of held) if (next > seq) have++
  return have === 0 ? 'open' : have < held.length ? 'half' : 'tight'
}
