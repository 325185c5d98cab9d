import type { ComponentChildren } from 'preact'
import { bytes, count, moment, number, span } from '../format'
import { called, curl, folder, status } from '../node'
import { Refused } from '../api/call'
import type { Status } from '../api/forms'
import { useResource } from '../resource'
import { Stranger } from '../safe'
import { command } from '../shell'
import { Telling } from '../telling'
import { texts } from '../text'
import { Refusal, Waiting } from './refusal'

const t = texts.node

// Setting is one of what the node runs with, and where that was said. Of a secret there is only whether, or in which file.
interface Setting { name: string, value: string, source: string, about?: string }

// ThisNode is who the node is, what it holds, and what it runs with.
export function ThisNode() {
  const now = status.value
  const settings = useResource<Setting[]>('/v1/settings')
  if (!now) return <Waiting />
  const facts: [string, ComponentChildren][] = [
    [t.name, <Stranger text={now.name} max={80} />],
    [t.author, <Key of={now.author} />],
    [t.log, <Key of={now.log} />],
    [t.holds, t.held(count(now.entries, 'entry', 'entries'), count(now.authors, 'author', 'authors'), count(now.ops, 'op', 'ops'))],
    [t.hash, <Key of={now.hash} />],
    [t.file, t.size(bytes(now.bytes), bytes(now.free))],
    [t.ready, now.writable ? t.appends : <>{t.appendsNot} <Stranger text={now.reason} max={300} /></>],
    [t.caught, now.alone ? t.alone : now.caughtUp ? t.caughtUp(moment(now.caughtUp)) : now.behind && now.behind.entries > 0 ? t.behind(count(now.behind.entries, 'entry', 'entries'), now.behind.leftSeconds ? span(now.behind.leftSeconds) : '') : t.notYet],
    [t.listen, <Stranger text={now.listen} max={80} />],
    [t.http, <Stranger text={now.http} max={200} />],
    [t.socket, <Stranger text={now.socket} max={300} />],
    [t.version, <Stranger text={now.version} max={80} />],
    [t.started, now.started ? moment(now.started) : '—'],
    [t.index, indexed(now.index)],
    [t.quota, bytes(now.limits.quota)],
  ]
  return (
    <>
      <dl class="facts">{facts.map(([term, value]) => <div key={term}><dt>{term}</dt><dd>{value}</dd></div>)}</dl>
      <h2>{t.settings}</h2>
      {settings.value ? <Settings of={settings.value} /> : settings.error instanceof Refused && settings.error.status === 404 ? <p>{t.noSettings}</p> : settings.error ? <Refusal of={settings.error} /> : <Waiting />}
      {now.counts && <details><summary>{t.counts}</summary><dl class="facts">{Object.entries(now.counts).sort().map(([name, n]) => <div key={name}><dt class="key">{name}</dt><dd>{number(n)}</dd></div>)}</dl></details>}
      <Telling words={t.words(called(now.author, now.name), count(now.entries, 'entry', 'entries'), count(now.authors, 'author', 'authors'), bytes(now.bytes), now)}
        commands={[command('quipu', 'status', ['--dir', folder.value]), command('quipu', 'doctor', ['--dir', folder.value]), curl('/v1/status')]} />
    </>
  )
}

// indexed says how far the index is: it lets so many entries gather before it takes them in.
function indexed({ reached, next }: Status['index']): string {
  if (reached >= next) return t.indexed
  return next - reached < 1024 ? t.indexing(number(reached), number(next), number(next - reached)) : t.catchingUp(number(reached), number(next))
}

function Key({ of }: { of: string }) {
  return <span class="key long">{of}</span>
}

// Settings shows what somebody has set, and what nobody has behind a line that says how many there are.
function Settings({ of }: { of: readonly Setting[] }) {
  const set = of.filter(s => s.source !== 'default')
  const left = of.filter(s => s.source === 'default')
  return (
    <>
      {set.length > 0 ? <Rows caption={t.settings} of={set} /> : <p>{t.noneSet}</p>}
      {left.length > 0 && <details><summary>{t.defaults(left.length)}</summary><Rows caption={t.defaults(left.length)} of={left} /></details>}
    </>
  )
}

function Rows({ caption, of }: { caption: string, of: readonly Setting[] }) {
  return (
    <table role="table">
      <caption class="hidden">{caption}</caption>
      <thead role="rowgroup"><tr role="row">{[t.setting, t.value, t.source].map(c => <th key={c} role="columnheader" scope="col">{c}</th>)}</tr></thead>
      <tbody role="rowgroup">{of.map(s => (
        <tr key={s.name} role="row">
          <td role="cell"><span class="key">{s.name}</span>{s.about && <span class="about">{s.about}</span>}</td>
          <td role="cell"><Stranger text={s.value} max={300} without={t.unset} /></td>
          <td role="cell">{s.source}</td>
        </tr>
      ))}</tbody>
    </table>
  )
}
