import { signal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { get } from '../api/call'
import type { Follower, Link, Member } from '../api/forms'
import { onArrivals } from '../arrivals'
import { useResource } from '../resource'
import { author, from, kind, knot, show, to, view } from '../state'
import { texts } from '../text'
import { still, theme } from '../theme'
import { useFirst } from '../views/first'
import type { Answer } from './forms'
import { listen } from './gestures'
import { BeadTip, Search, Tip, tipWords, Tools } from './beside'
import { useHeight } from './fit'
import { Legend, told } from './legend'
import { columnsFor, Loom } from './loom'
import { Picture, type BeadAt, type Pointed } from './picture'
import type { Seen } from './seen'
import { standingOf, tightness, type Before } from './standing'
import { Patience } from './patience'
import * as words from './words'
import './cords.css'

// Cords is the picture of the log: drawn on a canvas, with what is pointed at, the kinds and a search beside it, and all of it in
// words for who does not see it.
export function Cords() {
  const box = useRef<HTMLDivElement>(null)
  const canvas = useRef<HTMLCanvasElement>(null)
  const made = useRef<Picture | null>(null)
  const state = useRef(signals()).current

  useEffect(() => {
    const { picture, stop } = begin(box.current!, canvas.current!, state)
    made.current = picture
    return stop
  }, [])
  useMembers(made, state.patience)
  useFollowers(made)
  useEffect(() => {
    const picture = made.current
    if (!picture) return
    picture.theme = theme.value
    picture.still = still.value
    picture.changed()
  }, [theme.value, still.value])
  useFiltered(made)
  useLinked(made)
  useHeight(box)

  const seen = state.seen.value
  return (
    <div class="cords">
      <p id="cords-seen" class="words">{seen ? words.seen(seen) : ' '}</p>
      <div class="beside-loom">
        <Tools picture={made} whole={seen?.whole ?? true} />
        <Search picture={made} others={seen?.others.authors ?? 0} />
        <p class="faint hint"><span class="by-mouse">{texts.cords.hint}</span><span class="by-touch">{texts.cords.hintTouch}</span></p>
      </div>
      <div class={seen && !seen.whole ? 'loom near' : 'loom'} ref={box} tabIndex={0} role="application" aria-label={texts.cords.label} aria-describedby="cords-seen cords-keys">
        <canvas ref={canvas} aria-hidden="true" />
        {!seen && <p class="wait faint">{state.failed.value ? texts.refusal.unreachable : texts.refusal.wait}</p>}
        <Tip at={opened(state.pointed.value) ? null : state.pointed.value} />
        <BeadTip at={state.bead.value} />
      </div>
      <Legend seen={seen} />
      <p class="hidden" role="status">{state.spoken.value}</p>
      <p id="cords-keys" class="faint keys">{texts.cords.keys}</p>
    </div>
  )
}

// opened says whether what is pointed at is shown beside the picture already.
const opened = (p: Pointed | null): boolean => p?.knot?.n === 1 && knot.value?.author === p.hanging.cord.author && knot.value.seq === p.knot.lo

const signals = () => ({ seen: signal<Seen | null>(null), pointed: signal<Pointed | null>(null), bead: signal<BeadAt | null>(null), spoken: signal(''), failed: signal(false), patience: new Patience(Date.now()) })

type Made = { current: Picture | null }

// begin makes the picture, and gives it what it lives on: the node, the stream, the hand and the clock.
function begin(box: HTMLElement, canvas: HTMLCanvasElement, state: ReturnType<typeof signals>): { picture: Picture, stop: () => void } {
  const loom = new Loom(
    (asked, signal) => get<Answer>('/v1/cords', { ...asked }, signal),
    () => { state.failed.value = false; picture.loaded() },
    () => { state.failed.value = true },
  )
  const picture = new Picture(canvas, loom, {
    pointed: (p, keyed) => {
      state.pointed.value = p
      if (keyed && p) state.spoken.value = tipWords(p)
    },
    bead: b => { state.bead.value = b },
    seen: s => {
      state.seen.value = s
      told(s)
    },
    open: (who, seq) => show({ knot: { author: who, seq } }),
    list: (who, from, to) => show({ view: 'entries', author: [who], from, to }),
    link: l => { if (view.peek() === 'picture') show(linked = l) },
    words: words.drawn,
  }, getComputedStyle(document.querySelector('h1') ?? box).fontFamily)
  picture.theme = theme.peek()
  picture.still = still.peek()
  picture.author = author.peek()
  picture.kind = kind.peek()
  linked = { from: from.peek(), to: to.peek(), follow: to.peek() === null }
  picture.show(linked.from, linked.to)
  void loom.begin(picture.author, picture.kind, columnsFor(picture.depth))
  const stops = [listen(box, picture), feed(picture), watch(picture, state.patience), () => picture.stop()]
  const size = new ResizeObserver(() => {
    picture.changed()
    picture.rest()
  })
  size.observe(canvas)
  stops.push(() => size.disconnect())
  return { picture, stop: () => stops.forEach(stop => stop()) }
}

// linked is what of the address the picture has said itself.
let linked: { from: number | null, to: number | null, follow: boolean } = { from: null, to: null, follow: true }

// feed gives the picture what comes. Where that is too much to be told one by one, the picture is asked for again, and where it has a seq
// that is counted already, on another branch of a fork, all of it: at most every two seconds.
function feed(picture: Picture): () => void {
  let last = -Infinity
  let due = 0
  let forked = false
  const anew = () => {
    const asked = [picture.author, picture.kind, columnsFor(picture.depth)] as const
    void (forked ? picture.loom.begin(...asked) : picture.loom.again(...asked))
    last = performance.now()
    due = 0
    forked = false
  }
  const stop = onArrivals(({ many, entries }) => {
    const disputed = entries.some(e => e.disputed)
    if (many === 0 && !disputed) {
      picture.arrived(entries)
      return
    }
    forked ||= disputed
    due ||= window.setTimeout(anew, Math.max(0, last + 2000 - performance.now()))
  })
  return () => {
    stop()
    clearTimeout(due)
  }
}

// watch lets time go on, and looks after what the node has not counted yet, and knots that are not tight yet: others may have got them meanwhile.
function watch(picture: Picture, patience: Patience): () => void {
  const timer = setInterval(() => {
    if (document.hidden) return
    picture.tick()
    if ((picture.loom.behind || loose(picture)) && patience.due(Date.now())) void picture.loom.again(picture.author, picture.kind, columnsFor(picture.depth))
  }, 1000)
  const stop = onArrivals(() => patience.changed(Date.now()))
  return () => {
    clearInterval(timer)
    stop()
  }
}

// loose says whether somebody else lacks a knot of late that could come there by itself.
function loose(picture: Picture): boolean {
  const reachable = [...picture.standings.values()].some(s => !s.own && !s.cut)
  const cords = (picture.loom.near ?? picture.loom.whole)?.cords ?? []
  return reachable && cords.some(c => c.next > 0 && c.held && tightness(c.next - 1, c.held) !== 'tight')
}

function useMembers(made: Made, patience: Patience): void {
  const members = useResource<Member[]>('/v1/members', {}, 5000)
  const links = useResource<Link[]>('/v1/links', {}, 5000)
  const before = useRef(new Map<string, Before>()).current
  const known = useRef('')
  useEffect(() => {
    const now = Date.now()
    const told = JSON.stringify((members.value ?? []).map(m => [m.author, m.state, m.linked, m.lacks, m.behind]))
    if (told !== known.current) patience.changed(now)
    known.current = told
    const byAuthor = new Map((links.value ?? []).map(l => [l.author, l]))
    const standings = new Map((members.value ?? []).map(m => [m.author, standingOf(m, byAuthor.get(m.author), before.get(m.author), now)]))
    for (const m of members.value ?? []) before.set(m.author, { lacks: m.lacks, at: now, linked: m.linked ? now : before.get(m.author)?.linked ?? null })
    if (!made.current) return
    made.current.standings = standings
    made.current.changed()
  }, [members.value, links.value])
}

function useFollowers(made: Made): void {
  const followers = useFirst<Follower>('/v1/followers', 24, 5000)
  useEffect(() => {
    if (!made.current) return
    made.current.beads = (followers.values ?? []).map(f => ({
      name: f.name, lag: f.lag, done: f.next > 0 ? f.cursor / f.next : 1, parked: f.parked, failing: (f.failure?.attempts ?? 0) > 0,
    }))
    made.current.changed()
  }, [followers.values])
}

// useFiltered asks for the cords anew when other authors or kinds are looked at.
function useFiltered(made: Made): void {
  useEffect(() => {
    const picture = made.current
    if (!picture || (picture.author === author.value && picture.kind === kind.value)) return
    picture.author = author.value
    picture.kind = kind.value
    void picture.loom.begin(picture.author, picture.kind, columnsFor(picture.depth))
  }, [author.value, kind.value])
}

// useLinked looks where the address says, unless it says what the picture has put there.
function useLinked(made: Made): void {
  useEffect(() => {
    if (from.value === linked.from && to.value === linked.to) return
    linked = { from: from.value, to: to.value, follow: to.value === null }
    made.current?.show(from.value, to.value)
  }, [from.value, to.value])
  useEffect(() => {
    if (knot.value) made.current?.choose(knot.value.author, knot.value.seq)
  }, [knot.value?.author, knot.value?.seq])
}
