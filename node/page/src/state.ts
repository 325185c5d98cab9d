import { batch, computed, effect, signal } from '@preact/signals'
import { formatLink, nothing, parseLink, type Shown, type View } from './permalink'
import type { Place } from './place'

// What the page shows, as signals; each of them is in the address, so that any state of the page has a link.
export const view = signal<View>(nothing.view)
export const from = signal<number | null>(nothing.from)
export const to = signal<number | null>(nothing.to)
export const follow = signal(nothing.follow)
export const author = signal<readonly string[]>(nothing.author)
export const kind = signal<readonly string[]>(nothing.kind)
export const subject = signal(nothing.subject)
export const knot = signal<Place | null>(nothing.knot)

export const shown = computed<Shown>(() => ({
  view: view.value, from: from.value, to: to.value, follow: follow.value,
  author: author.value, kind: kind.value, subject: subject.value, knot: knot.value,
}))

// show changes some of what is shown at once.
export function show(some: Partial<Shown>): void {
  batch(() => {
    if (some.view !== undefined) view.value = some.view
    if (some.from !== undefined) from.value = some.from
    if (some.to !== undefined) to.value = some.to
    if (some.follow !== undefined) follow.value = some.follow
    if (some.author !== undefined) author.value = some.author
    if (some.kind !== undefined) kind.value = some.kind
    if (some.subject !== undefined) subject.value = some.subject
    if (some.knot !== undefined) knot.value = some.knot
  })
}

// linkTo is the address of what would be shown with some of it changed: every link of the page is one, so that it can be
// opened beside it, too.
export function linkTo(some: Partial<Shown>): string {
  return formatLink({ ...shown.value, ...some })
}

// begin takes up the address, and keeps it and what is shown the same from then on. Another view or another knot is a step
// back for the browser's button; panning and zooming write over the last, at most five times a second.
export function begin(): void {
  show(parseLink(location.hash))
  window.addEventListener('popstate', () => show(parseLink(location.hash)))
  let last = shown.peek()
  let due: ReturnType<typeof setTimeout> | undefined
  effect(() => {
    const now = shown.value
    const link = formatLink(now)
    clearTimeout(due)
    if (link === location.hash || (link === formatLink(nothing) && location.hash === '')) {
      last = now
      return
    }
    const step = now.view !== last.view || now.knot !== last.knot || now.subject !== last.subject
    last = now
    if (step) history.pushState(null, '', link)
    else due = setTimeout(() => history.replaceState(null, '', link), 200)
  })
}
