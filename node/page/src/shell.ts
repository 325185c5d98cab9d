// quote writes a text as one word of a shell's line (bash, zsh, ksh): what is harmless as it is, in single quotes what is
// plain text, and with escapes what has characters in it that cannot be seen or that change how the line looks.
export function quote(text: string): string {
  if (/^[A-Za-z0-9_./:@%+,=-]+$/.test(text) && !text.startsWith('=')) return text
  if (/^[\p{L}\p{N}\p{P}\p{S} ]*$/u.test(text)) return `'${text.replaceAll("'", "'\\''")}'`
  let escaped = ''
  for (const char of text) escaped += escape(char)
  return `$'${escaped}'`
}

function escape(char: string): string {
  if (char === "'" || char === '\\') return '\\' + char
  if (char === '\n') return '\\n'
  if (char === '\t') return '\\t'
  if (/[\p{L}\p{N}\p{P}\p{S} ]/u.test(char)) return char
  const code = char.codePointAt(0)!
  return code > 0xffff ? `\\U${code.toString(16).padStart(8, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`
}

// command joins words into a line, each quoted; what is null, undefined or empty is left out with nothing in its place. A
// pair is a flag and its value, left out together: command('quipu', 'log', ['--kind', kind]).
export function command(...words: (string | null | undefined | false | [string, string | number | null | undefined])[]): string {
  const line: string[] = []
  for (const word of words) {
    if (Array.isArray(word)) {
      if (word[1] !== null && word[1] !== undefined && word[1] !== '') line.push(word[0], quote(String(word[1])))
    } else if (word) {
      line.push(quote(word))
    }
  }
  return line.join(' ')
}
