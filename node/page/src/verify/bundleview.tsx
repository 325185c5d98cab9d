import { useState } from 'preact/hooks'
import { count, list, moment, number } from '../format'
import { Command } from '../telling'
import { checks as texts } from '../text'
import { type Contents, type Feed, isOK } from './bundle'
import { hex } from './bytes'
import type { Verifier } from './ed25519'
import { Little } from './little'
import type { Sighting } from './sighting'
import { Digits } from './steps'

const atOnce = 50

// Bundle is a bundle that was dropped: what it has of each author, and what is wrong with it.
export function Bundle({ contents: c, sighting, by }: { contents: Contents, sighting: Sighting, by: Verifier }) {
  const [shown, setShown] = useState(atOnce)
  const feeds = [...c.feeds.values()]
  const wrong = feeds.filter(f => f.problem !== undefined)
  const ordered = [...wrong, ...feeds.filter(f => f.problem === undefined)]
  return (
    <>
      <p class={isOK(c) ? 'verdict sound' : 'verdict failed'} role="status">{verdict(c, wrong)}</p>
      {c.damage && <p>{texts.bundle.damage(number(c.damage.at))} <span class="key">{c.damage.reason}</span>{c.skipped > 0 && ` ${texts.bundle.skipped(count(c.skipped, 'frame', 'frames'))}`}</p>}
      <p>{texts.by[by.why]} {texts.bundle.how}</p>
      <Little sighting={sighting} wrong={new Set(wrong.map(f => hex(f.author)))} authors={c.feeds.size} />
      <dl class="facts">
        <div><dt>{texts.log}</dt><dd><Digits of={hex(c.log)} /></dd></div>
        <div><dt>{texts.bundle.maker}</dt><dd><Digits of={hex(c.author)} /> {texts.bundle.made(madeText(c.made))}</dd></div>
        <div><dt>{texts.bundle.frontiers}</dt><dd>{texts.bundle.leads(c.since, c.upto)}</dd></div>
      </dl>
      <table class="feeds" role="table">
        <caption>{texts.bundle.caption}</caption>
        <thead role="rowgroup"><tr role="row">{texts.bundle.columns.map(c => <th key={c} role="columnheader" scope="col">{c}</th>)}</tr></thead>
        <tbody role="rowgroup">{ordered.slice(0, shown).map(f => <Row key={hex(f.author)} feed={f} />)}</tbody>
      </table>
      {ordered.length > shown && <button type="button" class="quiet" onClick={() => setShown(shown + atOnce)}>{texts.more(number(ordered.length - shown))}</button>}
      <p>{texts.same}</p>
      <Command line="quipu bundle show FILE" />
    </>
  )
}

function Row({ feed: f }: { feed: Feed }) {
  const notes = [...(f.problem === undefined ? [texts.bundle.sound] : [f.problem]), ...(f.loose ? [texts.bundle.loose] : [])]
  return (
    <tr role="row" class={f.problem === undefined ? '' : 'failed'}>
      <td role="cell"><Digits of={hex(f.author)} /></td>
      <td role="cell" class="seq">{f.next > f.from ? texts.bundle.range(number(f.from), number(f.next - 1)) : texts.bundle.nothing}</td>
      <td role="cell" class="amount">{number(f.entries)} <span class="faint">{texts.bundle.inOps(count(f.ops, 'op', 'ops'))}</span></td>
      <td role="cell">{list(notes)}</td>
    </tr>
  )
}

function verdict(c: Contents, wrong: Feed[]): string {
  const has = texts.bundle.has(count(c.entries, 'entry', 'entries'), count(c.ops, 'op', 'ops'), count([...c.feeds.values()].filter(f => f.ops > 0).length, 'author', 'authors'))
  if (isOK(c)) return `${texts.bundle.whole} ${has}`
  return `${c.whole ? texts.bundle.wrong(count(wrong.length, 'author', 'authors')) : texts.bundle.damaged} ${has}`
}

function madeText(ms: number): string {
  return Math.abs(ms) <= 8.64e15 ? moment(ms) : texts.bundle.noTime
}
