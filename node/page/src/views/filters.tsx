import type { ComponentChildren } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { Stats } from '../api/forms'
import { authors, Who } from '../node'
import { short } from '../format'
import { useResource } from '../resource'
import { Stranger, visible } from '../safe'
import { author, from, kind, show, subject, to, view } from '../state'
import { moment } from '../format'
import { texts } from '../text'

// Filters say which entries are looked at, and take more. All of them are in the address.
export function Filters() {
  // Of the time the picture says itself what is looked at, and has a button for all of it.
  const timed = view.value !== 'picture' && (from.value !== null || to.value !== null)
  const any = author.value.length > 0 || kind.value.length > 0 || subject.value !== '' || timed
  return (
    <section class="filters" aria-label={texts.filters.label}>
      <ul class="chips">
        {author.value.map(a => <Chip key={a} of={<Who author={a} plain />} drop={texts.filters.dropOf(short(a))} onDrop={() => show({ author: author.value.filter(o => o !== a) })} />)}
        {kind.value.map(k => <Chip key={k} of={<>{texts.filters.kind} <Stranger text={k} max={40} /></>} drop={texts.filters.dropOf(visible(k, 40))} onDrop={() => show({ kind: kind.value.filter(o => o !== k) })} />)}
        {subject.value && <Chip of={<>{texts.filters.subject} <Stranger text={subject.value} max={40} /></>} drop={texts.filters.dropOf(visible(subject.value, 40))} onDrop={() => show({ subject: '' })} />}
        {timed && (
          <Chip of={texts.filters.window(from.value === null ? null : moment(from.value), to.value === null ? null : moment(to.value))} drop={texts.filters.dropWindow}
            onDrop={() => show({ from: null, to: null, follow: true })} />
        )}
        {any && <li><button type="button" class="quiet" onClick={() => show({ author: [], kind: [], subject: '', from: null, to: null, follow: true })}>{texts.filters.all}</button></li>}
      </ul>
      <More />
    </section>
  )
}

function Chip({ of, drop, onDrop }: { of: ComponentChildren, drop: string, onDrop: () => void }) {
  return <li class="chip"><span>{of}</span><button type="button" aria-label={drop} onClick={onDrop}>×</button></li>
}

function More() {
  const [open, setOpen] = useState(false)
  return (
    <details class="more" open={open} onToggle={e => setOpen(e.currentTarget.open)}>
      <summary>{texts.filters.more}</summary>
      {open && <Form />}
    </details>
  )
}

// Form adds to what is looked at. The kinds that it proposes are counted only once it is opened.
function Form() {
  const counted = useResource<Stats>('/v1/stats', { limit: 100_000 })
  const kinds = (counted.value?.kinds.names ?? []).slice().sort((a, b) => b.entries - a.entries).slice(0, 200)
  const [since, setSince] = useState('')
  const [until, setUntil] = useState('')
  useEffect(() => {
    setSince(from.value === null ? '' : input(from.value))
    setUntil(to.value === null ? '' : input(to.value))
  }, [from.value, to.value])
  const submit = (event: SubmitEvent) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget as HTMLFormElement)
    const text = (name: string) => String(form.get(name) ?? '').trim()
    const begin = text('since') ? Date.parse(`${text('since')}Z`) : null
    const end = text('until') ? Date.parse(`${text('until')}Z`) : null
    const ordered = begin === null || end === null || begin < end
    show({
      kind: text('kind') ? [...new Set([...kind.value, text('kind')])] : kind.value,
      author: text('author') ? [...new Set([...author.value, text('author')])] : author.value,
      subject: text('subject') || subject.value,
      ...(ordered ? { from: begin, to: end, follow: end === null } : {}),
    })
    const fields = (event.currentTarget as HTMLFormElement).elements
    for (const name of ['kind', 'author', 'subject']) (fields.namedItem(name) as HTMLInputElement).value = ''
  }
  return (
    <form onSubmit={submit as unknown as (event: Event) => void}>
      <label>{texts.filters.kind}<input name="kind" list="kinds" autocomplete="off" maxLength={255} placeholder="order.*" /></label>
      <datalist id="kinds">{kinds.map(k => <option key={k.name} value={k.name}>{visible(k.name, 60)}</option>)}</datalist>
      <label>{texts.filters.author}
        <select name="author">
          <option value="">{texts.filters.every}</option>
          {authors.value.slice(0, 1000).map(a => <option key={a.author} value={a.author}>{visible(a.name ?? '', 40)} {short(a.author)}</option>)}
        </select>
      </label>
      <label>{texts.filters.subject}<input name="subject" autocomplete="off" maxLength={1024} /></label>
      <label>{texts.filters.since}<input name="since" type="datetime-local" step="1" value={since} onInput={e => setSince(e.currentTarget.value)} /></label>
      <label>{texts.filters.until}<input name="until" type="datetime-local" step="1" value={until} onInput={e => setUntil(e.currentTarget.value)} /></label>
      <button type="submit">{texts.filters.apply}</button>
    </form>
  )
}

function input(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19)
}
