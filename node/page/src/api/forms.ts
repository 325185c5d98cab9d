// The JSON forms that the page reads, as far as it reads them; GET /openapi.json says all of each.

export interface Entry {
  author: string, seq: number, op: string, disputed?: boolean, clock: string, time: string, kind: string, module?: string, subject?: string,
  contentType?: string, headers?: Record<string, string>, payload?: unknown, payloadBase64?: string, retention: 'persistent' | 'trimmable', offset?: number,
}

// Gone stands in a stream where entries are not here any more: gone of them, from seq on.
export interface Gone { author: string, seq: number, op: string, clock: string, gone: number, retention: string, offset?: number, disputed?: boolean }

// Trimmed is the event of a tail where entries were forgotten before they were told: so many, and offset is behind the last.
export interface Trimmed { place?: string, entries: number, offset: number, pruned?: boolean }

export interface Unreplicated { entries: number, known: boolean, since?: string }

export interface Member {
  author: string, name: string, addr: string, state: 'self' | 'alive' | 'suspect' | 'dead' | 'left' | 'guest', linked: boolean,
  behind: number | null, lacks: number | null, behindSince?: string, equalAt?: string, clockOffSeconds?: number, rttSeconds?: number,
  eager?: boolean, source?: string, conditions?: string[], unreplicated?: Unreplicated, page?: string,
}

export interface Link {
  author: string, name?: string, addr: string, dialled: boolean, since: string, heard: string, eager: boolean, received: number, sent: number,
}

export interface Author { author: string, name?: string, next: number }

export interface Condition { condition: string, why: string, fails: string, since?: string }

export interface Behind { entries: number, authors: number, atLeast?: boolean, claimed?: number, since?: string, perSecond?: number, leftSeconds?: number }

export interface Status {
  author: string, name: string, log: string, genesis: string, listen: string, socket?: string, http?: string, pid?: number, started?: string, version: string,
  hash: string, authors: number, ops: number, entries: number, next: number, cursor: string, bytes: number, free: number, writable: boolean, reason?: string,
  limits: { authors: number, others: number, quota: number, author: number }, index: { reached: number, next: number, bytes: number },
  lastTrim?: { at: string, seconds: number, error?: string, trimmed: { entries: number }, pruned: { entries: number } },
  forked: number, ahead: number, aheadFeeds?: { author: string, time?: string }[], shut?: Record<string, string>, trimmed?: number, pruned?: number,
  members: number, linked: number, alone?: boolean, caughtUp?: string, behind?: Behind, conditions: Condition[], unready?: string[], unreplicated?: Unreplicated,
  counts?: Record<string, number>, recovering?: { text: string, detail?: string },
}

export interface Counts { names: { name: string, entries: number }[], others?: number }

export interface Stats { entries: number, disputed: number, gone: number, kinds: Counts, modules: Counts, authors: Counts, names: Record<string, string> }

export interface Transition {
  place: string, op: string, clock: string, time: string, subject: string, from: string, to: string, trigger?: string, module?: string,
  headers?: Record<string, string>, notes?: string[], after?: { author: string, seq: number, op: string },
}

export interface State {
  subject: string, stage: string, place: string, time: string, moves: number, concurrent?: number, pruned?: boolean, contested?: { place: string, stage: string }[],
}

export interface Finding { class: string, why: string, expected?: string, transition: Transition, others?: string[] }

export interface Machine { states: { name: string }[], initial: string[], terminal?: string[], moves: { from: string, to: string }[] }

export interface CheckReport { machine?: Machine, transitions: number, sound: number, odd: number, findings: Finding[] }

export interface Follower {
  name: string, filter?: string, cursor: number, next: number, lag: number, lagSeconds: number, running: boolean, handled: number, parked: number, skipped: number,
  dropped: number, trimmed: number, holds: boolean, elsewhere?: boolean, since?: string, failure?: Failure, leased?: { holder: string, until: string },
}

export interface Failure { error: string, time: string, attempts: number, first: number, last: number }

export interface Parked { offset: number, author: string, seq: number, op: string, kind: string, subject?: string, failure: Failure }

export interface Holder { name: string, offset: number, behind: number, entries?: number, until?: string, overrun?: boolean, prunes?: boolean }

export interface TrimStatus {
  policy: { minAge: string, minCount: number, maxHold: number, keepBodies?: boolean, keepPruned?: boolean }, waits: string, every?: string,
  trimmed: number, pruned: number, holders?: Holder[], file: { bytes: number, free: number }, clockOffSeconds?: number,
}

export interface Head { next: number, op: string }

export interface ForkBranch { first: { first?: number, seq?: number }, last: Head, ops: number, entries: number, from: string, until: string, own?: boolean, parts?: boolean, begin: Entry[], end?: Entry[] }

export interface Fork { prev?: Head, below?: boolean, branches: ForkBranch[], proved: boolean, proof?: unknown }

export interface ForkedFeed { author: string, name?: string, branches: number, first: number, entries: number, since: string, shut?: string, own?: boolean, ownEnd?: Head, forks?: Fork[] }
