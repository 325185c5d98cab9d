import { formatPlace, parsePlace, type Place } from './place'

export const views = ['picture', 'entries', 'subject', 'members', 'followers', 'forks', 'rates', 'node'] as const
export type View = typeof views[number]

// Shown is all that decides what the page shows, and all that a permalink holds. Times are milliseconds since 1970; null is
// the beginning of the log and now. follow keeps the window's end at now.
export interface Shown {
  view: View, from: number | null, to: number | null, follow: boolean,
  author: readonly string[], kind: readonly string[], subject: string, knot: Place | null,
}

export const nothing: Shown = { view: 'picture', from: null, to: null, follow: true, author: [], kind: [], subject: '', knot: null }

// parseLink reads a fragment, '#/members?author=…'. What it does not understand it leaves out: a link of another version
// shows as much as this one can.
export function parseLink(fragment: string): Shown {
  const [path = '', query = ''] = fragment.replace(/^#?\/?/, '').split('?', 2)
  const params = new URLSearchParams(query)
  const view = views.find(v => v === path) ?? 'picture'
  const from = time(params.get('from')), to = time(params.get('to'))
  const ordered = from === null || to === null || from < to
  return {
    view, from: ordered ? from : null, to: ordered ? to : null,
    follow: params.get('follow') !== 'no',
    author: params.getAll('author').filter(a => /^[0-9a-f]{64}$/.test(a)).slice(0, 200),
    kind: params.getAll('kind').filter(k => k !== '').slice(0, 200),
    subject: params.get('subject') ?? '',
    knot: parsePlace(params.get('knot') ?? ''),
  }
}

// formatLink gives the fragment of what is shown; parseLink(formatLink(shown)) shows the same.
export function formatLink(shown: Shown): string {
  const params = new URLSearchParams()
  if (shown.from !== null) params.set('from', moment(shown.from))
  if (shown.to !== null) params.set('to', moment(shown.to))
  if (!shown.follow) params.set('follow', 'no')
  for (const author of shown.author) params.append('author', author)
  for (const kind of shown.kind) params.append('kind', kind)
  if (shown.subject) params.set('subject', shown.subject)
  if (shown.knot) params.set('knot', formatPlace(shown.knot))
  const query = params.toString().replaceAll('%2F', '/').replaceAll('%3A', ':')
  return `#/${shown.view}${query ? `?${query}` : ''}`
}

function time(text: string | null): number | null {
  if (text === null) return null
  const ms = Date.parse(text)
  return Number.isFinite(ms) ? ms : null
}

function moment(ms: number): string {
  return new Date(Math.round(ms)).toISOString()
}
