import { useEffect, useRef, useState } from 'preact/hooks'
import { bytes as sizeText, number } from '../format'
import { Stranger } from '../safe'
import { checks as texts } from '../text'
import { Bundle } from './bundleview'
import { check, type Outcome, type Progress } from './check'
import { ProofView } from './proofview'

// A file that was dropped or chosen, and how far it is.
interface Job { id: number, file: File, stop: AbortController, progress?: Progress, outcome?: Outcome }

// mostFiles is how many files are kept on the page; those that were checked first make room.
const mostFiles = 12

// Drop takes bundles and proofs, dropped anywhere on the page or chosen, and checks them one after the other. Nothing of them
// leaves the browser. It is a line until somebody opens it, or holds files over the page.
export function Drop({ open = false }: { open?: boolean }) {
  const [opened, setOpened] = useState(open)
  const { jobs, add, close } = useJobs()
  const take = (files: File[]) => {
    setOpened(true)
    add(files)
  }
  const over = useDropped(take)
  return (
    <details class={over ? 'drop over' : 'drop'} open={opened || over} onToggle={e => { if (!over) setOpened(e.currentTarget.open) }}>
      <summary><h2>{texts.title}</h2></summary>
      <p>{texts.what}</p>
      <label class="choose">
        {texts.choose}
        <input type="file" multiple onChange={e => {
          take([...(e.currentTarget.files ?? [])])
          e.currentTarget.value = '' // so that the same file can be chosen again
        }} />
      </label>
      <ul class="checked" aria-label={texts.checked}>
        {jobs.map(job => <li key={job.id}><Checked job={job} close={() => close(job)} /></li>)}
      </ul>
    </details>
  )
}

function useJobs() {
  const [jobs, set] = useState<Job[]>([])
  const line = useRef(Promise.resolve())
  const last = useRef(0)
  const change = (id: number, some: Partial<Job>) => set(all => all.map(job => job.id === id ? { ...job, ...some } : job))
  const add = (files: File[]) => {
    const more = files.slice(0, mostFiles).map((file): Job => ({ id: ++last.current, file, stop: new AbortController() }))
    set(all => [...more, ...all].slice(0, mostFiles))
    for (const { id, file, stop } of more) {
      line.current = line.current.then(async () => {
        const outcome = stop.signal.aborted ? { what: 'stopped' } as const : await check(file, progress => change(id, { progress }), stop.signal)
        change(id, { outcome })
      })
    }
  }
  const close = (job: Job) => {
    job.stop.abort()
    set(all => all.filter(other => other.id !== job.id))
  }
  return { jobs, add, close }
}

// useDropped takes files that are dropped anywhere on the page, and says whether some are held over it.
function useDropped(take: (files: File[]) => void): boolean {
  const [over, setOver] = useState(false)
  const taken = useRef(take)
  taken.current = take
  useEffect(() => {
    const end = new AbortController()
    const hasFiles = (e: DragEvent) => e.dataTransfer?.types.includes('Files') ?? false
    const listen = (type: 'dragover' | 'dragleave' | 'drop', heard: (e: DragEvent) => void) =>
      window.addEventListener(type, e => { if (hasFiles(e)) heard(e) }, { signal: end.signal })
    listen('dragover', e => {
      e.preventDefault() // or the browser opens the file in place of the page
      setOver(true)
    })
    listen('dragleave', e => { if (!e.relatedTarget) setOver(false) })
    listen('drop', e => {
      e.preventDefault()
      setOver(false)
      taken.current([...(e.dataTransfer?.files ?? [])])
    })
    return () => end.abort()
  }, [])
  return over
}

function Checked({ job, close }: { job: Job, close: () => void }) {
  return (
    <article class="file" aria-busy={!job.outcome}>
      <h3><Stranger text={job.file.name} max={80} /> <span class="faint">{sizeText(job.file.size)}</span></h3>
      {job.outcome ? <Found outcome={job.outcome} /> : <Underway progress={job.progress} />}
      <button type="button" class="quiet" onClick={close}>{job.outcome ? texts.close : texts.stop}</button>
    </article>
  )
}

function Underway({ progress }: { progress: Progress | undefined }) {
  if (!progress) return <p role="status">{texts.begun}</p>
  return (
    <>
      <progress max={progress.size} value={progress.read} aria-label={texts.reading} />
      <p>{texts.underway(sizeText(progress.read), sizeText(progress.size), number(progress.ops), number(progress.entries))}</p>
    </>
  )
}

function Found({ outcome }: { outcome: Outcome }) {
  switch (outcome.what) {
    case 'proof': return <ProofView proof={outcome.proof} verdict={outcome.verdict} />
    case 'bundle': return <Bundle contents={outcome.contents} sighting={outcome.sighting} by={outcome.by} />
    case 'refused': return <p class="verdict failed" role="status">{texts.refused[outcome.as]} <span class="key">{outcome.reason}</span></p>
    case 'large': case 'unreadable': case 'stopped': return <p class="verdict" role="status">{texts[outcome.what]}</p>
  }
}
