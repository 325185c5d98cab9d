import { type Bytes, hex, utf8 } from './bytes'
import { parseJson } from './json'
import type { Event, Header } from './op'

// The text forms of docs/PROTOCOL.md, section 5.1, as every program of a log prints them.

// clockText is MILLISECONDS.COUNTER.
export function clockText(clock: bigint): string {
  return `${clock >> 16n}.${clock & 0xffffn}`
}

// timeText is a time in ns since 1970 as in RFC 3339, in UTC with nine decimals.
export function timeText(ns: bigint): string {
  const second = 1_000_000_000n
  const part = (ns % second + second) % second
  const whole = new Date(Number((ns - part) / 1_000_000n)).toISOString() // 64 bits of ns are the years 1677 to 2262
  return `${whole.slice(0, 19)}.${part.toString().padStart(9, '0')}Z`
}

// entryJson is the one JSON form of an entry.
export function entryJson(op: Header & { id: Bytes }, seq: number, e: Event): string {
  const fields = [
    `"author":"${hex(op.author)}"`, `"seq":${seq}`, `"op":"${hex(op.id)}"`, `"clock":"${clockText(op.clock)}"`, `"time":"${timeText(e.time)}"`,
    `"kind":${quoted(e.kind)}`,
  ]
  if (e.module) fields.push(`"module":${quoted(e.module)}`)
  if (e.subject) fields.push(`"subject":${quoted(e.subject)}`)
  if (e.contentType) fields.push(`"contentType":${quoted(e.contentType)}`)
  if (e.headers.length > 0) fields.push(`"headers":{${e.headers.map(([name, value]) => `${quoted(name)}:${quoted(value)}`).join(',')}}`)
  if (e.payload.length > 0) fields.push(payloadField(e.payload))
  fields.push(`"retention":"${op.retention}"`)
  return `{${fields.join(',')}}`
}

function payloadField(payload: Bytes): string {
  const text = utf8(payload)
  if (text !== undefined && isCompactJson(text)) return `"payload":${text}`
  let raw = ''
  for (let i = 0; i < payload.length; i += 0x8000) raw += String.fromCharCode(...payload.subarray(i, i + 0x8000))
  return `"payloadBase64":"${btoa(raw)}"`
}

// isCompactJson is whether a text is JSON with no white space between its parts.
function isCompactJson(text: string): boolean {
  try {
    parseJson(text)
  } catch {
    return false
  }
  return !/[ \t\r\n]/.test(text.replace(/"(?:[^"\\]|\\.)*"/g, ''))
}

// quoted is a JSON string that escapes what JSON must escape and the two line separators, and nothing else.
function quoted(text: string): string {
  return '"' + text.replace(/["\\\u0000-\u001f\u007f\u2028\u2029]/g, c => {
    if (c === '"' || c === '\\') return '\\' + c
    if (c === '\n') return '\\n'
    if (c === '\t') return '\\t'
    return '\\u' + c.charCodeAt(0).toString(16).padStart(4, '0')
  }) + '"'
}
