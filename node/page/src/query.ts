import type { Params } from './api/call'
import type { Entry } from './api/forms'

// Taken is which entries are looked at: those of any of the authors and of any of the kinds, about the subject, from a
// time on and before another, in milliseconds. What is empty or null takes all.
export interface Taken { author: readonly string[], kind: readonly string[], subject: string, from: number | null, to: number | null }

// params are those of GET /v1/entries that take the same.
export function params(taken: Taken): Params {
  return {
    author: taken.author, kind: taken.kind, subject: taken.subject,
    since: taken.from === null ? null : new Date(taken.from).toISOString(),
    until: taken.to === null ? null : new Date(taken.to).toISOString(),
  }
}

// takes says of an entry what the node would say of it.
export function takes(taken: Taken, entry: Entry): boolean {
  if (taken.author.length > 0 && !taken.author.includes(entry.author)) return false
  if (taken.kind.length > 0 && !taken.kind.some(k => k.endsWith('.*') ? entry.kind.startsWith(k.slice(0, -1)) : entry.kind === k)) return false
  if (taken.subject !== '' && entry.subject !== taken.subject) return false
  const time = Date.parse(entry.time)
  return (taken.from === null || time >= taken.from) && (taken.to === null || time < taken.to)
}

// flags are those of quipu log that take the same.
export function flags(taken: Taken): [string, string | undefined][] {
  const query = params(taken)
  return [
    ...taken.author.map(a => ['--author', a] as [string, string]),
    ...taken.kind.map(k => ['--kind', k] as [string, string]),
    ['--subject', taken.subject], ['--since', query.since as string | undefined], ['--until', query.until as string | undefined],
  ]
}
