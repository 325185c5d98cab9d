import { useMemo, useState } from 'preact/hooks'
import { bytes as sizeText, number } from '../format'
import { Stranger } from '../safe'
import { checks as texts } from '../text'
import { type Bytes, utf8 } from '../verify/bytes'
import { type Json, parseJson } from '../verify/json'

type Way = 'tree' | 'text' | 'hex'

// Payload shows the payload of an entry in the ways that it can be shown: as the tree of its JSON, as text, and byte by byte.
// Of a long one a part is drawn, and more where that is asked for.
export function Payload({ bytes, type }: { bytes: Bytes, type: string }) {
  const { text, tree } = useMemo(() => taken(bytes), [bytes])
  const ways: Way[] = [...(tree ? ['tree' as const] : []), ...(text === undefined ? [] : ['text' as const]), 'hex']
  const [chosen, choose] = useState<Way | null>(null)
  const way = chosen && ways.includes(chosen) ? chosen : ways[0]!
  if (bytes.length === 0) return <p class="faint">{texts.payload.none}</p>
  return (
    <section class="payload" aria-label={texts.payload.label}>
      <h3>{texts.payload.label} <span class="faint">{sizeText(bytes.length)}</span></h3>
      {!tree && (type === '' || /json/i.test(type)) && <p class="faint">{texts.payload.notJson}</p>}
      <div class="ways" role="group" aria-label={texts.payload.ways}>
        {ways.map(w => <button key={w} type="button" class="quiet" aria-pressed={w === way} onClick={() => choose(w)}>{texts.payload[w]}</button>)}
      </div>
      {way === 'tree' ? <div class="tree"><Branch value={tree!} open /></div> : way === 'text' ? <Lines text={text!} /> : <Dump bytes={bytes} />}
    </section>
  )
}

function taken(bytes: Bytes): { text: string | undefined, tree: Json | undefined } {
  const text = utf8(bytes)
  try {
    return { text, tree: text === undefined ? undefined : parseJson(text) }
  } catch {
    return { text, tree: undefined }
  }
}

// atOnce is how many members, lines or rows are drawn before more are asked for.
const atOnce = 100

// Branch draws a value, and what is in it once it is opened: however deep a stranger nests, nothing is drawn that nobody opens.
function Branch({ value, name, open = false }: { value: Json, name?: string, open?: boolean }) {
  const [opened, setOpened] = useState(open)
  const label = name === undefined ? null : <><Stranger text={name} max={200} without={texts.payload.unnamed} />{': '}</>
  if (value.type === 'text') return <div class="leaf">{label}<Stranger text={value.text} max={2000} without={texts.payload.emptyText} /></div>
  if (value.type === 'number' || value.type === 'word') return <div class={`leaf ${value.type}`}>{label}<Stranger text={value.text} max={200} /></div>
  const n = value.type === 'object' ? value.members.length : value.items.length
  const size = value.type === 'object' ? texts.payload.members(n) : texts.payload.items(n)
  if (n === 0) return <div class="leaf">{label}<span class="faint">{size}</span></div>
  return (
    <details open={opened} onToggle={e => setOpened(e.currentTarget.open)}>
      <summary>{label}<span class="faint">{size}</span></summary>
      {opened && <Children value={value} />}
    </details>
  )
}

function Children({ value }: { value: Extract<Json, { type: 'object' | 'array' }> }) {
  const all = value.type === 'object' ? value.members : value.items.map((item, i) => ({ name: String(i), value: item }))
  const { shown, more } = useMore(all.length)
  return <div class="children">{all.slice(0, shown).map((child, i) => <Branch key={i} name={child.name} value={child.value} />)}{more}</div>
}

// Lines draws text line by line; a very long line is cut.
function Lines({ text }: { text: string }) {
  const lines = useMemo(() => text.split('\n'), [text])
  const { shown, more } = useMore(lines.length)
  return <div class="lines" tabIndex={0} role="group" aria-label={texts.payload.text}>{lines.slice(0, shown).map((line, i) => <div key={i}><Stranger text={line} max={4000} without=" " /></div>)}{more}</div>
}

// Dump draws bytes, sixteen to a row, with the characters of ASCII that they are.
function Dump({ bytes }: { bytes: Bytes }) {
  const rows = Math.ceil(bytes.length / 16)
  const { shown, more } = useMore(rows)
  let dump = ''
  for (let row = 0; row < Math.min(shown, rows); row++) {
    const part = bytes.subarray(row * 16, row * 16 + 16)
    const digits = Array.from(part, b => b.toString(16).padStart(2, '0')).join(' ')
    const ascii = Array.from(part, b => b > 0x20 && b < 0x7f ? String.fromCharCode(b) : '·').join('')
    dump += `${(row * 16).toString(16).padStart(6, '0')}  ${digits.padEnd(47)}  ${ascii}\n`
  }
  return <><pre class="dump stranger" tabIndex={0} aria-label={texts.payload.hex}>{dump}</pre>{more}</>
}

function useMore(n: number) {
  const [shown, set] = useState(atOnce)
  return { shown, more: n > shown ? <button type="button" class="quiet" onClick={() => set(shown * 4)}>{texts.more(number(n - shown))}</button> : null }
}
