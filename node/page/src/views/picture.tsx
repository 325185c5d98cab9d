import type { ComponentChildren } from 'preact'
import { has, Sign } from '../cords/legend'
import { called, curl, folder, status } from '../node'
import { command } from '../shell'
import { author, from, kind, to } from '../state'
import { Telling } from '../telling'
import { texts } from '../text'

// About says what is to be seen in the picture: of what it has.
export function About() {
  return (
    <details class="more">
      <summary>{texts.picture.what}</summary>
      <dl class="legend">
        {texts.picture.legend.map(([mark, , term, means]) => has.value.marks.has(mark) && <div key={mark}><dt><Sign mark={mark} />{term}</dt><dd>{means}</dd></div>)}
      </dl>
    </details>
  )
}

// Picture stands round the drawing, and says the same in words and commands.
export function Picture({ children }: { children: ComponentChildren }) {
  const now = status.value
  const chosen = window(from.value, to.value)
  return (
    <>
      {children}
      {now && (
        <Telling
          words={texts.picture.words(called(now.author, now.name), now, author.value.map(a => called(a)))}
          commands={[
            command('quipu', 'log', ['--dir', folder.value], ['--newest', 50], ...author.value.map(a => ['--author', a] as [string, string]),
              ...kind.value.map(k => ['--kind', k] as [string, string]), ['--since', chosen.since], ['--until', chosen.until]),
            command('quipu', 'top', ['--dir', folder.value]),
            curl('/v1/cords'),
          ]}
        />
      )}
    </>
  )
}

// window is the times that are looked at as a command takes them.
export function window(begin: number | null, end: number | null): { since: string | undefined, until: string | undefined } {
  return { since: begin === null ? undefined : new Date(begin).toISOString(), until: end === null ? undefined : new Date(end).toISOString() }
}
