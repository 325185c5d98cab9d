import { folder, status } from '../node'
import { command } from '../shell'
import { Command } from '../telling'
import { texts } from '../text'

// Hints say what to type while the log is empty.
export function Hints() {
  const now = status.value
  return (
    <section class="hints">
      <h2>{texts.hints.title}</h2>
      <p>{texts.hints.first}</p>
      <Command line={command('quipu', 'append', ['--dir', folder.value], ['--kind', 'note'], ['--payload', '{"text":"hello"}'])} />
      <p>{texts.hints.moves}</p>
      <Command line={command('quipu', 'transition', ['--dir', folder.value], ['--subject', 'order-17'], ['--to', 'paid'])} />
      {now?.alone !== false && now && (
        <>
          <p>{texts.hints.join}</p>
          <Command line={command('quipu', 'init', ['--dir', 'b'], ['--log', now.log])} />
          <Command line={command('quipu', 'start', ['--dir', 'b'], ['--listen', '127.0.0.1:0'], ['--join', now.listen], ['--secret-file', `${folder.value}/secret`])} />
        </>
      )}
      <p>{texts.hints.demo}</p>
      <Command line="quipu demo --page" />
    </section>
  )
}
