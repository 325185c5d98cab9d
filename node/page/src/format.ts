const numbers = new Intl.NumberFormat('en')
const decimals = new Intl.NumberFormat('en', { maximumFractionDigits: 1 })

export function number(n: number): string {
  return numbers.format(n)
}

// count says how many there are of something: count(1, 'entry', 'entries').
export function count(n: number, one: string, many: string): string {
  return `${number(n)} ${n === 1 ? one : many}`
}

// moment writes a time in UTC as quipu log does: to the second, or to the millisecond where that is asked for.
export function moment(time: string | number, fine = false): string {
  const date = new Date(time)
  if (Number.isNaN(date.getTime())) return String(time)
  const iso = date.toISOString().replace('T', ' ').replace('Z', '')
  return fine ? iso : iso.replace(/\.\d+$/, '')
}

const spans: [number, string][] = [[365 * 86400, 'year'], [365 / 12 * 86400, 'month'], [86400, 'day'], [3600, 'hour'], [60, 'minute'], [1, 'second']]

// span says a number of seconds in one or two of the units that fit: '3 minutes', '2 days'.
export function span(seconds: number): string {
  const s = Math.abs(seconds)
  if (s < 0.0015) return 'under 1 ms'
  if (s < 1) return `${Math.round(s * 1000)} ms`
  for (const [size, name] of spans) {
    if (s < size) continue
    const n = Math.floor(s / size + 1e-9)
    return `${number(n)} ${name}${n === 1 ? '' : 's'}`
  }
  return '0 seconds'
}

// ago says how long before now a time is; now is in milliseconds.
export function ago(time: string | number, now = Date.now()): string {
  const seconds = (now - new Date(time).getTime()) / 1000
  if (seconds < -1) return `in ${span(seconds)}`
  return seconds < 2 ? 'just now' : `${span(seconds)} ago`
}

const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

export function bytes(n: number): string {
  let unit = 0
  for (; n >= 1024 && unit < units.length - 1; unit++) n /= 1024
  return unit === 0 ? count(n, 'byte', 'bytes') : `${decimals.format(n)} ${units[unit]}`
}

// list joins words as a sentence does: 'a, b and c'.
export function list(words: readonly string[]): string {
  if (words.length < 2) return words.join('')
  return `${words.slice(0, -1).join(', ')} and ${words[words.length - 1]}`
}

// short is how an author is called where there is no room for the whole key.
export function short(author: string): string {
  return author.slice(0, 8)
}
