import { Command } from '../telling'
import { folder, status } from '../node'
import { Stranger } from '../safe'
import { command } from '../shell'
import { ago } from '../format'
import { texts } from '../text'

// Conditions are what keeps the node from having, taking or writing what it could; nothing is shown while all is well.
export function Conditions() {
  const now = status.value
  if (!now || (now.conditions.length === 0 && now.writable)) return null
  return (
    <section class="conditions" aria-label={texts.conditions.label}>
      {!now.writable && <p><strong>{texts.conditions.unwritable}</strong> <Stranger text={now.reason} max={400} /></p>}
      <ul>
        {now.conditions.map(c => (
          <li key={c.condition + c.why}>
            <strong>{c.condition}</strong> <Stranger text={c.why} max={400} />
            {c.since && <span class="faint"> {texts.conditions.since(ago(c.since))}</span>}
          </li>
        ))}
      </ul>
      <Command line={command('quipu', 'doctor', ['--dir', folder.value])} />
    </section>
  )
}
