import { computed, signal } from '@preact/signals'
import type { Author, Status } from './api/forms'
import { short } from './format'
import { quoted, Stranger } from './safe'
import { quote } from './shell'
import { linkTo } from './state'
import type { Shown } from './permalink'
import { texts } from './text'

// Who the node is, as its last status said, and what the authors that it knows of call themselves.
export const status = signal<Status | null>(null)
export const authors = signal<readonly Author[]>([])

const names = computed(() => new Map(authors.value.map(a => [a.author, a.name])))

// folder is the node's folder as a command is given it: where its socket is, and D where that is not known.
export const folder = computed(() => {
  const socket = status.value?.socket
  return socket?.endsWith('/quipu.sock') ? socket.slice(0, -'/quipu.sock'.length) || '/' : 'D'
})

// called is how an author is named in a sentence: what it calls itself, in quotes, and the first digits of its key, since a
// name may be anything, another's as well.
export function called(author: string, name = names.value.get(author)): string {
  return name ? `${quoted(name, 40)} (${short(author)})` : short(author)
}

// Who names an author in a view, marks this node's own, and leads to its cord.
export function Who({ author, name, plain = false }: { author: string, name?: string | undefined, plain?: boolean }) {
  const own = status.value?.author === author
  const said = (
    <>
      {(name ?? names.value.get(author)) ? <><Stranger text={name ?? names.value.get(author)} max={40} />{' '}</> : null}
      <span class="key">{short(author)}</span>
    </>
  )
  return (
    <span class={own ? 'who own' : 'who'} title={author}>
      {plain ? said : <a href={linkTo({ view: 'entries', author: [author], kind: [], subject: '' })}>{said}</a>}
      {own && <span class="badge">{texts.node.own}</span>}
    </span>
  )
}

// curl is the line that makes a call of the page with a token of one's own.
export function curl(path: string, accept?: string): string {
  const header = accept ? ` -H ${quote(`Accept: ${accept}`)}` : ''
  return `curl -s -H "Authorization: Bearer $TOKEN"${header} ${quote(new URL(path, location.origin).href)}`
}

// only shows one view of something with all other filters gone.
export function only(some: Partial<Shown>): string {
  return linkTo({ author: [], kind: [], subject: '', from: null, to: null, ...some })
}
