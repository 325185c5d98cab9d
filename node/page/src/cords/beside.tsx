import { useEffect, useRef, useState } from 'preact/hooks'
import { count, number } from '../format'
import { authors } from '../node'
import { Stranger, visible } from '../safe'
import { author, show } from '../state'
import { texts } from '../text'
import type { BeadAt, Picture, Pointed } from './picture'
import * as words from './words'

type Made = { readonly current: Picture | null }

// Tip says what is pointed at: whose cord it is, and which knot.
export function Tip({ at }: { at: Pointed | null }) {
  const tip = useBeside(at)
  if (!at) return null
  const { hanging: h, knot: k } = at
  return (
    <div class="tip" ref={tip} aria-hidden="true">
      <b><Stranger text={words.nameOf(h.cord.author, h.cord.name)} max={30} /></b>
      {h.own && <span class="badge">{texts.node.own}</span>}
      {k && <span>{words.times(h, k)}</span>}
      {k && k.kinds.slice(0, 4).map(([i, n]) => (
        <span key={i}>{k.n > 1 && <>{number(n)} × </>}{at.kinds[i] === undefined ? texts.cords.otherKinds : <Stranger text={at.kinds[i]} max={40} />}</span>
      ))}
      <span class="faint">{k ? words.held(h, k) : words.cord(h)}</span>
    </div>
  )
}

// BeadTip says of the bead that is pointed at which follower it is, and how far that has come.
export function BeadTip({ at }: { at: BeadAt | null }) {
  const tip = useBeside(at)
  if (!at) return null
  return (
    <div class="tip" ref={tip} aria-hidden="true">
      <b><Stranger text={at.bead.name} max={40} /></b>
      <span>{at.bead.lag === 0 ? texts.cords.beadDone : texts.cords.beadBehind(count(at.bead.lag, 'entry', 'entries'))}</span>
      {at.bead.parked > 0 && <span>{texts.cords.beadParked(count(at.bead.parked, 'entry', 'entries'))}</span>}
    </div>
  )
}

// useBeside keeps an element beside a point, inside of the room that it is in.
function useBeside(at: { x: number, y: number } | null): { current: HTMLDivElement | null } {
  const tip = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const own = tip.current
    const room = own?.parentElement
    if (!own || !room || !at) return
    const right = at.x + 18 + own.offsetWidth < room.clientWidth
    const x = right ? at.x + 18 : Math.max(4, at.x - 18 - own.offsetWidth)
    const y = Math.max(4, Math.min(room.clientHeight - own.offsetHeight - 4, at.y - own.offsetHeight / 2))
    own.style.transform = `translate(${x}px, ${y}px)`
  })
  return tip
}

// tipWords are the same in one sentence, for who moves by keys.
export function tipWords(p: Pointed): string {
  const { hanging: h, knot: k } = p
  const who = texts.cords.cordOf(words.nameOf(h.cord.author, h.cord.name))
  if (!k) return `${who}. ${words.cord(h)}`
  const kinds = k.kinds.slice(0, 3).map(([i, n]) => `${number(n)} × ${p.kinds[i] === undefined ? texts.cords.otherKinds : visible(p.kinds[i], 40)}`).join(', ')
  return `${who}: ${count(k.n, 'entry', 'entries')}, ${words.times(h, k)} UTC, ${kinds}. ${words.held(h, k)}`
}

// Tools zoom with a press, for who has neither wheel nor keys.
export function Tools({ picture, whole }: { picture: Made, whole: boolean }) {
  const zoom = (times: number) => {
    const p = picture.current
    p?.zoom(null, times)
    p?.rest()
  }
  return (
    <div class="tools" role="group" aria-label={texts.cords.tools}>
      <button type="button" class="quiet" aria-label={texts.cords.nearer} onClick={() => zoom(2)}>+</button>
      <button type="button" class="quiet" aria-label={texts.cords.farther} onClick={() => zoom(0.5)} disabled={whole}>−</button>
      <button type="button" class="quiet" onClick={() => { picture.current?.whole(); picture.current?.rest() }} disabled={whole}>{texts.cords.whole}</button>
      <button type="button" class="quiet" onClick={() => { picture.current?.jump(true); picture.current?.rest() }}>{texts.cords.present}</button>
    </div>
  )
}

// Search finds a cord by its name or the beginning of its key, whether it hangs here or not.
export function Search({ picture, others }: { picture: Made, others: number }) {
  const [text, setText] = useState('')
  const wanted = text.trim().toLowerCase()
  const found = wanted === '' ? [] : authors.value.filter(a => a.author.startsWith(wanted) || (a.name ?? '').toLowerCase().includes(wanted)).slice(0, 8)
  const take = (key: string) => {
    setText('')
    if (!picture.current?.choose(key)) show({ author: [...new Set([...author.value, key])].slice(-200) })
  }
  return (
    <form class="find" role="search" onSubmit={e => { e.preventDefault(); if (found[0]) take(found[0].author) }}>
      <input type="search" aria-label={others > 0 ? texts.cords.findAmong(others) : texts.cords.find} placeholder={texts.cords.find} value={text} maxLength={64}
        autocomplete="off" spellcheck={false} onInput={e => setText(e.currentTarget.value)} />
      {wanted !== '' && (
        <ul class="chips">
          {found.map(a => <li key={a.author}><button type="button" class="quiet" onClick={() => take(a.author)}><Stranger text={words.nameOf(a.author, a.name)} max={30} /></button></li>)}
          {found.length === 0 && <li class="faint">{texts.cords.findNone}</li>}
        </ul>
      )}
    </form>
  )
}
