import { standing } from './api/session'
import { Command } from './telling'
import { texts } from './text'

// Door is what is seen without a session: why, and how to get in.
export function Door() {
  const why = standing.value
  const said = why === 'in' ? texts.door.none : texts.door[why]
  return (
    <main class="door" id="content">
      <Mark />
      <h1>{texts.title}</h1>
      <p role="status">{said}</p>
      {why !== 'limited' && why !== 'unreachable' && (
        <>
          <p>{texts.door.how}</p>
          <Command line="quipu page --dir D" />
          <p class="faint">{texts.door.what}</p>
        </>
      )}
      <p><a href="./offline.html">{texts.door.offline}</a></p>
    </main>
  )
}

// Mark is the page's own sign: a knot.
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
      <path d="M16 2v7M16 23v7M16 9c-9 0-9 14 0 14s9-14 0-14M9 20c4-8 10-8 14 0" />
    </svg>
  )
}
