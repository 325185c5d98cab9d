import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Author, Status } from './api/forms'
import { signOut, standing } from './api/session'
import { listen, onArrivals, stream } from './arrivals'
import { Cords } from './cords'
import { Door, Mark } from './door'
import { ago } from './format'
import { Knot } from './knot'
import { authors, status, Who } from './node'
import { views, type View } from './permalink'
import { refresh, useResource } from './resource'
import { visible } from './safe'
import { knot, linkTo, view } from './state'
import { texts } from './text'
import { choose, theme } from './theme'
import { Drop } from './verify'
import { Conditions } from './views/conditions'
import { Entries } from './views/entries'
import { Filters } from './views/filters'
import { Followers } from './views/followers'
import { Forks } from './views/forks'
import { Hints } from './views/hints'
import { Members } from './views/members'
import { ThisNode } from './views/node'
import { About, Picture } from './views/picture'
import { Waiting } from './views/refusal'
import { Subject } from './views/subject'

// App is the whole page. What it shows waits until it is known whether somebody is signed in.
export function App({ signed }: { signed: Promise<void> }) {
  const [known, setKnown] = useState(false)
  useEffect(() => { void signed.then(() => setKnown(true)) }, [])
  if (!known) return <main class="door" id="content"><Mark /><h1>{texts.title}</h1><p role="status">{texts.door.wait}</p></main>
  return standing.value === 'in' ? <House /> : <Door />
}

const rooms: Record<View, () => JSX.Element | null> = {
  picture: () => <Picture><Cords /></Picture>,
  entries: Entries, subject: Subject, members: Members, followers: Followers, forks: Forks, rates: Later, node: ThisNode,
}

// Later is the view of rates, whose charts are loaded when it is looked at first.
function Later() {
  const [view, setView] = useState<{ Rates: () => JSX.Element } | null>(null)
  useEffect(() => { void import('./views/rates').then(setView) }, [])
  return view ? <view.Rates /> : <Waiting />
}

function House() {
  useNode()
  const Room = rooms[view.value]
  return (
    <>
      <a class="skip" href="#content" onClick={skip}>{texts.skip}</a>
      <Head />
      <main id="content" tabIndex={-1} class={knot.value ? 'beside' : ''}>
        <div class="room">
          <div class="top">
            <Heading />
            {(view.value === 'picture' || view.value === 'entries' || view.value === 'rates') && <Filters />}
            {view.value === 'picture' && <About />}
          </div>
          <Conditions />
          {status.value?.entries === 0 && <Hints />}
          <Room key={view.value} />
        </div>
        {knot.value && <Knot />}
      </main>
      <footer>
        <Drop />
        <p class="faint">{texts.foot.reads} <a href="./offline.html">{texts.foot.offline}</a></p>
      </footer>
    </>
  )
}

// useNode keeps what all of the page needs: the stream, the status, the authors' names.
function useNode(): void {
  const got = useResource<Status>('/v1/status', {}, 10_000)
  const known = useResource<Author[]>('/v1/authors', {}, 60_000)
  useEffect(() => { if (got.value) status.value = got.value }, [got.value])
  useEffect(() => { if (known.value) authors.value = known.value }, [known.value])
  useEffect(() => {
    const name = visible(status.value?.name ?? '', 40)
    document.title = `${texts.views[view.value]} · ${name ? `${name} · ` : ''}${texts.title}`
  }, [status.value?.name, view.value])
  useEffect(() => {
    const over = new AbortController()
    // What has come shows in the status soon, and at most once in two seconds.
    let due: ReturnType<typeof setTimeout> | undefined
    const stop = onArrivals(() => {
      due ??= setTimeout(() => {
        due = undefined
        refresh('/v1/status')
        refresh('/v1/members')
      }, 2000)
    })
    void listen(over.signal)
    return () => {
      over.abort()
      stop()
      clearTimeout(due)
    }
  }, [])
}

// skip moves the focus behind the navigation, and leaves the address as it is: it says what the page shows.
function skip(event: Event): void {
  event.preventDefault()
  document.getElementById('content')?.focus()
}

function Head() {
  return (
    <header>
      <a class="home" href={linkTo({ view: 'picture' })} aria-label={texts.home}><Mark /><span>{texts.title}</span></a>
      {status.value && <span class="whose"><Who author={status.value.author} name={status.value.name} plain /></span>}
      <Pulse />
      <button type="button" class="quiet theme" onClick={() => choose(theme.value === 'dark' ? 'light' : 'dark')}>
        {theme.value === 'dark' ? texts.theme.light : texts.theme.dark}
      </button>
      <button type="button" class="quiet out" onClick={() => void signOut()}>{texts.signOut}</button>
      <nav aria-label={texts.nav}>
        <ul>
          {views.map(one => (
            <li key={one}><a href={linkTo({ view: one })} aria-current={view.value === one ? 'page' : undefined}>{texts.views[one]}</a></li>
          ))}
        </ul>
      </nav>
    </header>
  )
}

// Pulse says whether what is shown is what is there now.
function Pulse() {
  const now = stream.value
  const said = now.state === 'lost' ? texts.stream.lost : texts.stream[now.state]
  return <span class={`pulse ${now.state}`} role="status" title={now.state === 'lost' ? ago(now.again) : undefined}>{said}</span>
}

// Heading is the view's, and takes the focus when another view is shown, so that who does not see the page is told.
function Heading() {
  const heading = useRef<HTMLHeadingElement>(null)
  const before = useRef(view.value)
  useEffect(() => {
    if (before.current !== view.value) heading.current?.focus()
    before.current = view.value
  }, [view.value])
  return <h1 ref={heading} tabIndex={-1}>{texts.views[view.value]}</h1>
}
