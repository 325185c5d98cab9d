import '../verify/check.css'
import { useEffect, useRef, useState } from 'preact/hooks'
import { ask } from '../api/call'
import { moment } from '../format'
import { curl, folder, status, Who } from '../node'
import { formatPlace, type Place } from '../place'
import { visible } from '../safe'
import { command } from '../shell'
import { knot, show } from '../state'
import { Telling } from '../telling'
import { checks as texts } from '../text'
import { hex } from '../verify/bytes'
import { verifier } from '../verify/check'
import { entryJson } from '../verify/form'
import { type Event, parseEntry } from '../verify/op'
import { parseProof, type Proof, type Verdict, verifyProof } from '../verify/proof'
import { Malformed, OtherVersion } from '../verify/shape'
import { Steps } from '../verify/steps'
import { Refusal } from '../views/refusal'
import { Chain, Neighbours } from './chain'
import { Facts, Headers, Technical } from './fields'
import { Held } from './held'
import { Payload } from './payload'

// Knot is the panel of the selected entry. What it shows of the entry are the bytes of its proof, so that what is verified
// here is what is seen.
export function Knot() {
  const place = knot.value
  return place && <Panel key={formatPlace(place)} place={place} />
}

// Read is what the node says of a place: the line of the entry as it prints it everywhere, the proof and what that holds; or why there
// is none: the node's refusal, or what is wrong with what it sent.
type Read = { line: string, proof: Proof, event: Event } | { refused: unknown } | { unreadable: string }

function Panel({ place }: { place: Place }) {
  const read = useRead(place)
  const heading = useRef<HTMLHeadingElement>(null)
  const opener = useRef(document.activeElement)
  useEffect(() => { heading.current?.focus() }, [])
  const close = () => {
    show({ knot: null })
    if (opener.current instanceof HTMLElement) opener.current.focus()
  }
  return (
    <aside class="knot" aria-labelledby="knot-title" onKeyDown={e => { if (e.key === 'Escape') close() }}>
      <button type="button" class="quiet close" onClick={close}>{texts.knot.close}</button>
      <h2 id="knot-title" tabIndex={-1} ref={heading}>{texts.knot.label} {String(place.seq)}</h2>
      <p><Who author={place.author} /></p>
      {read === null ? <p role="status">{texts.knot.wait}</p> : <Shown place={place} read={read} />}
    </aside>
  )
}

function useRead(place: Place): Read | null {
  const [read, set] = useState<Read | null>(null)
  useEffect(() => {
    const over = new AbortController()
    const path = `/v1/entries/${encodeURIComponent(formatPlace(place))}`
    const take = async () => {
      const line = await (await ask(path, {}, 'application/json', over.signal)).text()
      const sent = await (await ask(`${path}/proof`, {}, 'application/json', over.signal)).arrayBuffer()
      const proof = parseProof(new Uint8Array(sent))
      return { line: line.trim(), proof, event: parseEntry(proof.entry, proof.headers[0].retention) }
    }
    take().then(set, err => {
      if (over.signal.aborted) return
      set(err instanceof Malformed || err instanceof OtherVersion ? { unreadable: err.message } : { refused: err })
    })
    return () => over.abort()
  }, [])
  return read
}

function Shown({ place, read }: { place: Place, read: Read }) {
  const path = `/v1/entries/${encodeURIComponent(formatPlace(place))}/proof`
  const lines = [
    command('quipu', 'prove', ['--dir', folder.value], formatPlace(place)) + ' | quipu check-proof -',
    curl(path, 'application/json') + ' | quipu check-proof -',
  ]
  if ('refused' in read) return <><Refusal of={read.refused} /><Telling label={texts.knot.telling} words={texts.knot.none} commands={lines} /></>
  if ('unreadable' in read) return <><p class="verdict failed" role="alert">{texts.knot.unreadable} <span class="key">{read.unreadable}</span></p><Telling label={texts.knot.telling} words={texts.knot.none} commands={lines} /></>
  const { proof, event, line } = read
  const op = proof.headers[0]
  return (
    <>
      {/"disputed":true,"clock":/.test(line) && <p class="disputed">{texts.knot.disputed}</p>}
      <Verify proof={proof} place={place} line={line} />
      <Facts event={event} />
      <Payload bytes={event.payload} type={event.contentType} />
      <Headers of={event.headers} />
      <Held place={place} />
      <Neighbours proof={proof} />
      <details class="technical">
        <summary>{texts.knot.technical}</summary>
        <Technical event={event} op={op} seq={proof.seq} />
        <Chain proof={proof} />
      </details>
      <Telling label={texts.knot.telling} words={texts.knot.words(visible(event.kind, 60), place.author.slice(0, 8), String(proof.seq), texts.entry.utc(moment(Number(event.time / 1_000_000n))))} commands={lines} />
    </>
  )
}

// Verify checks the proof in this browser, step by step, where that is asked for.
function Verify({ proof, place, line }: { proof: Proof, place: Place, line: string }) {
  const [verdict, set] = useState<Verdict | null>(null)
  const verify = async () => set(compared(await verifyProof(proof, await verifier()), proof, place, line))
  return (
    <section class="verify" aria-label={texts.knot.verified}>
      <button type="button" onClick={verify}>{verdict ? texts.knot.again : texts.knot.verify}</button>
      {verdict && <Steps verdict={verdict} holds={texts.knot.holds(String(proof.seq))} fails={texts.knot.fails} folded />}
    </section>
  )
}

// compared holds a proof that holds against what the node was asked for and what it shows elsewhere.
function compared(verdict: Verdict, proof: Proof, place: Place, line: string): Verdict {
  if (verdict.failed || !verdict.event) return verdict
  const op = proof.headers[0]
  const differs = (step: 'log' | 'shown'): Verdict => ({ checks: verdict.checks, failed: { step, reason: '' } })
  if (status.value && status.value.log !== hex(proof.log)) return differs('log')
  const shown = line.replace(/,"disputed":true(?=,"clock":)/, '').replace(/,"offset":[0-9]+\}$/, '}')
  const asked = hex(proof.author) === place.author && proof.seq === place.seq && hex(op.id).startsWith(place.branch ?? '')
  if (!asked || shown !== entryJson(op, proof.seq, verdict.event)) return differs('shown')
  return { ...verdict, checks: [...verdict.checks, { step: 'shown' }] }
}
