import type { Link, Member, TrimStatus } from '../api/forms'
import { ago, bytes, count, moment, number, span } from '../format'
import { authors, called, curl, folder, status, Who } from '../node'
import { useResource } from '../resource'
import { Stranger } from '../safe'
import { command } from '../shell'
import { Command, Telling } from '../telling'
import { texts } from '../text'
import { Refusal, Waiting } from './refusal'

const t = texts.members

// Members is who this node knows, what flows between them, what each lacks, and who keeps back what is to be forgotten.
export function Members() {
  const members = useResource<Member[]>('/v1/members', {}, 5000)
  const links = useResource<Link[]>('/v1/links', {}, 5000)
  const trim = useResource<TrimStatus>('/v1/trim', {}, 30_000)
  if (members.error && !members.value) return <Refusal of={members.error} />
  if (!members.value) return <Waiting />
  const linked = new Map((links.value ?? []).map(l => [l.author, l]))
  return (
    <>
      <ul class="cards">{ordered(members.value).map(m => <li key={m.author + m.addr}><Card member={m} link={linked.get(m.author)} /></li>)}</ul>
      {members.value.length === 1 && status.value && (
        <section class="hints">
          <p>{t.alone}</p>
          <Command line={command('quipu', 'start', ['--dir', 'b'], ['--listen', '127.0.0.1:0'], ['--join', status.value.listen], ['--secret-file', `${folder.value}/secret`])} />
        </section>
      )}
      {trim.value && <Kept trim={trim.value} />}
      <Telling words={words(members.value)} commands={[
        command('quipu', 'members', ['--dir', folder.value]), command('quipu', 'trim', ['--dir', folder.value], '--status'), curl('/v1/members'), curl('/v1/links'),
      ]} />
    </>
  )
}

// ordered gives this node first and the others by their names, so that a card stays where it was looked for.
function ordered(members: readonly Member[]): Member[] {
  const rank = (m: Member) => m.state === 'self' ? 0 : m.name ? 1 : 2
  return members.toSorted((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name, 'en', { numeric: true }) || (a.author < b.author ? -1 : 1))
}

function Card({ member, link }: { member: Member, link: Link | undefined }) {
  const away = member.state === 'dead' || member.state === 'left' || member.state === 'suspect'
  const page = pageOf(member)
  const off = Math.abs(member.clockOffSeconds ?? 0) < 0.5 ? 0 : member.clockOffSeconds!
  return (
    <article class={`card ${member.state}${away ? ' away' : ''}`}>
      <h2><Who author={member.author} name={member.name} /></h2>
      {member.state !== 'self' && <p class="state"><span class={`dot ${member.state}`} aria-hidden="true" />{t.states[member.state] ?? member.state} · {member.linked ? t.linked : t.unlinked}</p>}
      {member.state === 'self' && <Own member={member} />}
      <dl>
        {member.state !== 'self' && <>
          <dt>{t.entries}</dt><dd><Misses of={member} /></dd>
        </>}
        {away && member.equalAt && <><dt>{t.equal}</dt><dd>{ago(member.equalAt)}</dd></>}
        {off !== 0 && <><dt>{t.clock}</dt><dd>{t.clockOff(span(off), off > 0)}</dd></>}
        <dt>{t.address}</dt><dd><Stranger text={member.addr} max={80} /></dd>
        {page && <><dt>{t.page}</dt><dd><a href={`${page}/`} rel="noreferrer"><Stranger text={page} max={80} /></a></dd></>}
      </dl>
      {(link || member.source) && member.state !== 'self' && <Connection member={member} link={link} />}
      {member.conditions?.map(c => <p key={c} class="badge bad"><Stranger text={c} max={60} /></p>)}
    </article>
  )
}

// pageOf is the address of a member's own page, where it says that it has one. It may be anything that a member says: only
// http and https are followed.
function pageOf(member: Member): string | null {
  if (!member.page || member.state === 'self') return null
  try {
    const url = new URL(member.page)
    // What listens on its own machine's loopback alone is another one here, unless this page came from there, too; and every
    // address is none.
    if (url.hostname === '[::]' || url.hostname === '0.0.0.0') return null
    if (loopback(url.hostname) && !loopback(location.hostname)) return null
    return (url.protocol === 'http:' || url.protocol === 'https:') && !url.username && !url.password ? url.origin : null
  } catch {
    return null
  }
}

function loopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || host.startsWith('127.')
}

function Own({ member }: { member: Member }) {
  const only = member.unreplicated, behind = status.value?.behind
  const next = authors.value.find(a => a.author === member.author)?.next
  return (
    <p>{next !== undefined && t.wrote(count(next, 'entry', 'entries'))} {only && only.known && (only.entries === 0 ? t.everywhere : t.nowhere(count(only.entries, 'entry', 'entries'), only.since ? span((Date.now() - Date.parse(only.since)) / 1000) : ''))}
      {only && !only.known && t.unknown}
      {behind && behind.entries > 0 && <> {t.lacks(`${behind.atLeast ? '≥ ' : ''}${count(behind.entries, 'entry', 'entries')}`, behind.leftSeconds ? span(behind.leftSeconds) : '')}</>}</p>
  )
}

// Connection is how the node comes to another, which few have to know.
function Connection({ member, link }: { member: Member, link: Link | undefined }) {
  return (
    <details>
      <summary>{t.more}</summary>
      <dl>
        {member.source && <><dt>{t.source}</dt><dd>{t.sources[member.source] ?? member.source}</dd></>}
        {member.rttSeconds ? <><dt>{t.rtt}</dt><dd>{span(member.rttSeconds)}</dd></> : null}
        {member.clockOffSeconds !== undefined && Math.abs(member.clockOffSeconds) < 0.5 && <><dt>{t.clock}</dt><dd>{t.clockSame}</dd></>}
        {link && <><dt>{t.link}</dt><dd>{link.dialled ? t.dialled : t.came} {ago(link.since)}, {t.heard} {ago(link.heard)}, {link.eager ? t.eager : t.lazy}</dd>
          <dt>{t.flow}</dt><dd>{t.sent(count(link.sent, 'entry', 'entries'), count(link.received, 'entry', 'entries'))}</dd></>}
      </dl>
    </details>
  )
}

// Misses says which of the two sides misses what the other has.
function Misses({ of }: { of: Member }) {
  if (of.behind === null && of.lacks === null) return <span class="faint">{t.notKnown}</span>
  if (of.behind === 0 && of.lacks === 0) return <>{of.linked ? t.bothUpToDate : t.bothWere}</>
  return (
    <>
      <div>{t.here} <Amount n={of.behind} since={of.behindSince} linked={of.linked} /></div>
      <div>{t.there} <Amount n={of.lacks} since={undefined} linked={of.linked} /></div>
    </>
  )
}

// Amount says what one side misses, with a bar as long as that is much. Of a node with no link it is what was heard last.
function Amount({ n, since, linked }: { n: number | null, since: string | undefined, linked: boolean }) {
  if (n === null) return <span class="faint">{t.notKnown}</span>
  if (n === 0) return <>{linked ? t.upToDate : t.wasUpToDate}</>
  return <>
    {t.misses(count(n, 'entry', 'entries'), since ? t.since(span((Date.now() - Date.parse(since)) / 1000)) : '')}
    <svg class="bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true"><rect width={Math.min(100, 12 * Math.log10(n + 1) + 4)} height="6" /></svg>
  </>
}

// Kept says who keeps back what is to be forgotten.
function Kept({ trim }: { trim: TrimStatus }) {
  const holders = (trim.holders ?? []).slice().sort((a, b) => b.behind - a.behind)
  return (
    <section>
      <h2>{t.keptTitle}</h2>
      <p>{t.policy(trim.policy.minAge, number(trim.policy.minCount), trim.waits)} {t.forgotten(number(trim.trimmed), number(trim.pruned), bytes(trim.file.free))}</p>
      {holders.length === 0 ? <p>{t.nobodyHolds}</p> : (
        <ul>{holders.map(h => (
          <li key={h.name}><Stranger text={h.name} max={90} /> {h.overrun ? t.overrun : t.holds(count(h.behind, 'entry', 'entries'))}{h.until && ` ${t.until(moment(h.until))}`}</li>
        ))}</ul>
      )}
    </section>
  )
}

function words(members: readonly Member[]): string {
  const others = members.filter(m => m.state !== 'self' && m.state !== 'left')
  const away = others.filter(m => m.state === 'dead' || m.state === 'suspect')
  const lacking = others.filter(m => (m.lacks ?? 0) > 0), ahead = others.filter(m => (m.behind ?? 0) > 0)
  return t.words(others.length, others.filter(m => m.linked).length, away.map(m => called(m.author, m.name)),
    ahead.map(m => `${called(m.author, m.name)}: ${number(m.behind!)}`), lacking.map(m => `${called(m.author, m.name)}: ${number(m.lacks!)}`))
}
