import { useState } from 'preact/hooks'
import { texts } from './text'
import { visible } from './safe'

// Telling says what a view shows in a sentence, for people who do not see it, and gives the lines that show the same in a
// terminal. words are the page's own; a stranger's text in them is made visible and in quotes.
export function Telling({ words, commands, label = texts.telling.label }: { words: string, commands: readonly string[], label?: string }) {
  return (
    <section class="telling" aria-label={label}>
      <p class="words">{words}</p>
      <details>
        <summary>{texts.telling.commands}</summary>
        {commands.map(line => <Command key={line} line={line} />)}
      </details>
    </section>
  )
}

// Command shows a line to type, and copies it.
export function Command({ line }: { line: string }) {
  const [copied, setCopied] = useState(false)
  const copy = async () => {
    setCopied(await write(line))
    setTimeout(() => setCopied(false), 2000)
  }
  return (
    <div class="command">
      <code tabIndex={0}>{line}</code>
      <button type="button" class="quiet" onClick={copy} aria-label={texts.telling.copyOf(visible(line, 80))}>
        {copied ? texts.telling.copied : texts.telling.copy}
      </button>
    </div>
  )
}

// write puts a text on the clipboard. Where the page came by plain http from another machine the browser has no clipboard
// for it: then the old way is tried.
async function write(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    const area = document.createElement('textarea')
    area.value = text
    document.body.append(area)
    area.select()
    const done = document.execCommand('copy')
    area.remove()
    return done
  }
}
