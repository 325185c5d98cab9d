import type { Status } from './api/forms'
import type { Mark } from './cords/seen'
import { count, list, number } from './format'

// texts is everything that the page says, in one place. What strangers have written is never among it: see safe.tsx.
export const texts = {
  title: 'quipu',
  home: 'quipu: to the picture',
  skip: 'Skip to the content',
  nav: 'Views',
  views: { picture: 'Picture', entries: 'Entries', subject: 'Subjects', members: 'Members', followers: 'Followers', forks: 'Forks', rates: 'Rates', node: 'This node' },
  theme: { dark: 'Dark', light: 'Light' }, signOut: 'Sign out',
  stream: { connecting: 'connecting …', live: 'live', busy: 'live, counted: too much comes to list it', lost: 'lost the node: trying again', ended: 'ended' },
  foot: { reads: 'This page only reads. What changes something is shown as the command to type.', offline: 'The same check without a node' },

  door: {
    wait: 'One moment …',
    none: 'Nobody is signed in here. A link from the node’s own machine signs this tab in.',
    expired: 'The session is over: it lasts twelve hours at most, and ends when the node is started again or “quipu page --end” is typed there.',
    out: 'Signed out. A link from the node’s own machine signs this tab in again.',
    forgotten: 'Signed out in this tab. The node did not answer: it takes the session until that is over, or until “quipu page --end” is typed there.',
    code: 'This link does not sign in: it was used already, or is older than two minutes, or is not whole.',
    limited: 'Too many links were tried just now. Wait a moment, and ask for a new one.',
    unreachable: 'The node does not answer. Is it running? The link was not used up if it never came there.',
    how: 'Where the node runs, type this. It prints a link that signs in once, within two minutes:',
    what: 'D is the node’s folder. The session reads and can change nothing; it lives in this tab alone.',
    offline: 'Check a bundle or a proof without signing in',
  },

  telling: {
    label: 'The same in words and as commands',
    commands: 'Show as command',
    copy: 'Copy',
    copied: 'Copied',
    copyOf: (line: string) => `Copy the command ${line}`,
  },

  refusal: { refused: 'The node refuses:', unreachable: 'The node does not answer. This is tried again.', wait: 'Reading …' },

  conditions: {
    label: 'What is amiss',
    unwritable: 'This node appends nothing.',
    since: (ago: string) => `since ${ago}`,
  },

  hints: {
    title: 'This log is empty',
    first: 'Write a first entry, and it hangs itself on this node’s cord while you look on:',
    moves: 'Move a subject from one stage to another:',
    join: 'Give it a second node. It takes the log’s id and the cluster’s secret; the second command runs on until it is stopped:',
    demo: 'Or see five nodes lose each other and agree again:',
  },

  filters: {
    label: 'Which entries', more: 'Filter', kind: 'Kind', author: 'Author', subject: 'Subject', since: 'From (UTC)', until: 'Before (UTC)', every: 'everybody', apply: 'Add',
    all: 'Show all', dropWindow: 'No longer this time alone',
    dropOf: (what: string) => `No longer ${what} alone`,
    window: (from: string | null, to: string | null) => `${from ? `from ${from}` : ''}${from && to ? ' ' : ''}${to ? `before ${to}` : ''}`,
  },

  picture: {
    what: 'What is this?',
    signs: 'What else is drawn, and what it means',
    // Each with the sign of it, in few words for the line at the picture, where those are enough, and in full.
    legend: [
      ['cord', '', 'A cord', 'is all that one author has written, in its order, from top to bottom. Nobody else can tie a knot into it: each is signed.'],
      ['main', '', 'The main cord', 'carries all cords: nodes give each other what they lack, until all hold the same.'],
      ['one', 'one entry', 'A knot', 'is one entry. Its colour and shape are its kind. Click it to read it, and to check its signature here.'],
      ['bundle', 'few and many entries', 'A bundle', 'is several entries that stand too near to be drawn apart: the wider and the more turns, the more they are. Click it to come nearer.'],
      ['tight', 'all nodes have it', 'A tight knot', 'is an entry that all nodes hold durably.'],
      ['half', 'some have it', 'A half loop', 'around a knot says that some other nodes hold it, and not all.'],
      ['open', 'only here', 'An open loop', 'around a knot says that no other node is known to hold it.'],
      ['fold', 'silence, folded', 'A tear', 'is a stretch of time without an entry, folded away. It says how long; the dates above and below say when.'],
      ['bead', 'a follower', 'A bead', 'is a follower: the further to the right on the main cord, the more of the log it has handled. What it has set aside hangs above it.'],
      ['strands', 'contradicts itself', 'Two strands', 'are one author that signed two different entries for one place: a copied or restored node. Both are kept.'],
      ['thin', 'bodies trimmed', 'Thin thread', 'is where the bodies of entries were trimmed, which their author had allowed.'],
      ['bound', 'beginning pruned', 'A bound-off end', 'is where an author had the beginning of its feed forgotten.'],
      ['ghost', 'still lacks this', 'A dotted line', 'is what a member lacks of all that is here. The cord of one that cannot be reached is grey.'],
    ] as [Mark, string, string, string][],
    words: (who: string, s: Status, authors: string[]) => `${who} holds ${count(s.entries, 'entry', 'entries')} of ${count(s.authors, 'author', 'authors')}${
      s.forked > 0 ? `, of whom ${number(s.forked)} ${s.forked === 1 ? 'contradicts itself' : 'contradict themselves'}` : ''}. ${standing(s)}${
      authors.length > 0 ? ` Shown are the cords of ${list(authors)}.` : ''}`,
  },

  cords: {
    label: 'The log as a quipu: a cord for each author, knots in time from top to bottom',
    keys: 'Drag to move, turn the wheel to zoom. With keys: ← → to another cord, ↑ ↓ to another knot, + − to zoom, Home and End to the beginning and the present, Enter to open a knot.',
    tools: 'Zoom', nearer: 'Nearer', farther: 'Farther away', whole: 'Whole log', present: 'Now',
    find: 'Find a cord', findAmong: (n: number) => `Find a cord (${count(n, 'author hangs', 'authors hang')} not here)`, findNone: 'No author of this log is called so, or has a key that begins so.',
    kinds: 'Kinds, and how each is tied', only: 'Show this kind alone, or all again', otherKinds: 'other kinds',
    cordOf: (name: string) => `The cord of ${name}`,
    several: (n: string, atOnce: boolean) => atOnce ? `${n} entries of one moment: press to list them` : `${n} entries: press to come nearer`,
    tight: { open: 'on no other node yet', half: 'some other nodes have it', tight: 'all other nodes have it' },
    neverHeard: 'not heard since this page was opened', heard: (at: string) => `last heard ${at}`, unlinked: 'not linked',
    cut: { dead: 'does not answer', left: 'has left', suspect: 'may be down', alive: 'no link to it' } as Record<string, string>,
    lacks: (n: string) => `lacks ${n}`, last: (span: string) => `is ${span} behind`, behind: (n: string) => `has ${n} that are not here yet`,
    left: (span: string) => `done in about ${span}`,
    above: (n: string) => `${n} above`, pruned: (n: string) => `the first ${n} were pruned`, trimmed: (n: string) => `${n} without their bodies`,
    forked: (seq: string) => `contradicts itself from ${seq} on`, ahead: (year: string) => `goes on far ahead, in ${year}`, early: (year: string) => `begins far before, in ${year}`,
    aside: { left: (n: string) => `← ${n}`, right: (n: string) => `${n} →` },
    more: { above: (n: string) => `↑ ${n} before`, below: (n: string) => `continues ↓ ${n}` },
    now: 'now',
    folded: (span: string) => `${span} without entries`,
    beadDone: 'This follower has looked at all entries.', beadBehind: (n: string) => `This follower has still ${n} to look at.`, beadParked: (n: string) => `It has set ${n} aside.`,
    hint: 'Click a knot to read it and check its signature.', hintTouch: 'Touch a knot to read it and check its signature.',
    seenNone: (range: string) => `No entries, ${range}.`,
    seen: (entries: string, cords: string, range: string) => `${entries} on ${cords}, ${range}.`,
    seenFolds: (n: number) => `${count(n, 'silent stretch is', 'silent stretches are')} folded.`,
    seenForks: (n: number) => n === 1 ? '1 author contradicts itself' : `${number(n)} authors contradict themselves`,
    seenTrimmed: (n: number) => `${count(n, 'body was', 'bodies were')} trimmed`,
    seenPruned: (n: string, who: string) => `the first ${n} of ${who}`, were: ' were pruned', seenPrunedMany: (n: number) => `of ${number(n)} cords the beginning was pruned`,
    seenCut: (who: string, n: number) => `${who} ${n === 1 ? 'is' : 'are'} not linked`, members: (n: number) => `${number(n)} members`,
    seenOthers: (n: number) => `${count(n, 'author hangs', 'authors hang')} not here: search for them.`,
    seenBehind: (n: string) => `Not counted yet: ${n}.`,
  },

  entries: {
    caption: 'Entries, the newest to arrive first', ofKind: 'All of the kind', begins: 'begins as', nothing: 'nothing', noPayload: 'no payload',
    none: 'No entry is like that.',
    older: 'Older entries',
    came: (n: number) => n === 0 ? 'In the order in which they came to this node, the newest on top; their times are their writers’ own.' : `${count(n, 'entry has', 'entries have')} come since you look.`,
    open: (seq: string) => `Open the entry with seq ${seq}`,
    disputed: 'Disputed: its author contradicts itself, and this is one of the branches',
    columns: { time: 'Time (UTC)', author: 'Node', seq: 'Seq', kind: 'Kind', subject: 'Subject', payload: 'What happened' },
    wordsNone: 'No entry of this log is like that.',
    words: (n: number, authors: number, kinds: number, kind: string, subject: string, time: string, filtered: boolean) =>
      `Listed ${n === 1 ? 'is' : 'are'} the ${n === 1 ? 'entry' : `${number(n)} entries`} that came last${filtered ? ' of those that the filters take' : ''}, of ${count(authors, 'author', 'authors')} and ${count(kinds, 'kind', 'kinds')}. The newest is of kind ${kind}${subject ? ` about ${subject}` : ''}, at ${time} UTC.`,
  },

  subject: {
    find: 'Subject', show: 'Show', all: 'All subjects', none: 'No subject has moved yet: "quipu transition" moves one.', listed: 'Subjects and the stage that each is in',
    columns: { subject: 'Subject', stage: 'Stage', since: 'Since (UTC)', moves: 'Moves' },
    contested: 'contested', contestedMeans: 'Contested: writers who may not have seen each other moved the subject on differently. Every node shows the same of these stages until somebody moves it again.', contestedBetween: 'Contested: writers who may not have seen each other moved it on differently, to', contestedUntil: 'Every node shows the same of them until somebody moves it again.',
    concurrentOf: (n: number) => `(${n} concurrent)`,
    more: (n: number) => `These are the first ${n}. Name another above.`,
    moreMoves: (n: number) => `These are the first ${n} moves.`,
    unmoved: 'It has made no move that is here.',
    undrawn: 'It has been in more stages than can be drawn so that anybody sees them. The moves stand below.',
    is: 'It is now in', nothing: 'nothing', by: 'by', knot: 'the entry',
    open: (n: number) => `Open the entry of move ${n}`,
    entries: 'All entries about it',
    marks: {
      illegal: { sign: '✕', word: 'illegal', means: 'The machine that you gave does not allow it.' },
      concurrent: { sign: '∥', word: 'concurrent', means: 'Its writer had not seen another move that was made from the same one.' },
      early: { sign: '?', word: 'early', means: 'It comes after a move that is not here yet.' },
      elsewhere: { sign: '≠', word: 'elsewhere', means: 'The subject was in another stage than its writer says.' },
      pruned: { sign: '…', word: 'after the pruned', means: 'It comes after a move that was forgotten by its author’s leave.' },
      malformed: { sign: '!', word: 'malformed', means: 'It cannot be read, and moves nothing.' },
    },
    with: (n: number[]) => `Concurrent with move ${list(n.map(String))}.`,
    noted: ['concurrent', 'early', 'malformed'],
    check: 'Compare with a state machine', machine: 'The machine, as in a file for quipu transitions --machine', hold: 'Compare', diagram: 'The moves as a diagram',
    example: 'states: [draft, accepted, withdrawn]\ninitial: draft\nterminal: [accepted, withdrawn]\nmoves:\n  - {from: draft, to: accepted}\n  - {from: "*", to: withdrawn}\n',
    checked: (sound: number, odd: number) => odd === 0 ? `All ${count(sound, 'move is', 'moves are')} sound by this machine.` : `${count(odd, 'move is', 'moves are')} odd by this machine, ${number(sound)} sound.`,
    wordsAll: (n: number, more: boolean, contested: number) => `${more ? 'More than ' : ''}${count(n, 'subject has', 'subjects have')} moved; ${contested === 0 ? 'none is contested' : `${count(contested, 'is', 'are')} contested`}.`,
    wordsUnmoved: (subject: string) => `No move of ${subject} is here.`,
    words: (subject: string, stage: string, moves: string, writers: number, first: string, last: string, by: string, odd: string[]) =>
      `${subject} is in ${stage} after ${moves} by ${count(writers, 'author', 'authors')}, the first at ${first} and the last at ${last} UTC, by ${by}. ${odd.length === 0 ? 'None of them is odd.' : `Odd: ${list(odd.slice(0, 12))}.`}`,
  },

  members: {
    states: { self: 'this node', alive: 'alive', suspect: 'does not answer', dead: 'not reached', left: 'has left', guest: 'a guest: linked, and no member' } as Record<string, string>,
    sources: { configured: 'an address that was configured', dns: 'DNS', mdns: 'heard on the local network', remembered: 'remembered from before', members: 'other members' } as Record<string, string>,
    linked: 'linked', unlinked: 'not linked', address: 'Address', source: 'Known by', rtt: 'Round trip', clock: 'Clock', clockSame: 'as ours', link: 'Link', dialled: 'made by us', came: 'made by it',
    heard: 'heard', eager: 'new entries go there at once', lazy: 'is told that there are new entries', flow: 'Flow', equal: 'Last equal', page: 'Its own page',
    clockOff: (by: string, ahead: boolean) => `${by} ${ahead ? 'ahead of' : 'behind'} ours`,
    sent: (sent: string, received: string) => `${sent} sent, ${received} received`,
    alone: 'No other node is known. A second one, with the same log and secret, joins with:',
    lacks: (n: string, left: string) => `It misses ${n} that others hold${left ? `, and has them in about ${left}` : ''}.`,
    wrote: (n: string) => `It has written ${n}.`,
    everywhere: 'Each is on another node too.',
    nowhere: (n: string, since: string) => `${n} ${since ? `(the oldest ${since} old) ` : ''}are on no other node that was heard.`,
    unknown: 'No other node was heard since the start: where its entries are nobody can say.',
    entries: 'Entries', bothUpToDate: 'both are up to date', bothWere: 'both were up to date when last heard', here: 'this node', there: 'that one', notKnown: 'not known', upToDate: 'is up to date', wasUpToDate: 'was up to date when last heard', misses: (n: string, since: string) => `misses ${n}${since ? ` ${since}` : ''}`, more: 'Connection',
    since: (span: string) => `for ${span}`,
    keptTitle: 'What is forgotten, and who keeps it back',
    policy: (age: string, n: string, waits: string) => `Bodies of trimmable entries go once they are older than ${age} and ${n} of the same author stand above them, unless ${waits === 'members' ? 'a follower or a member' : 'a follower'} still wants them.`,
    forgotten: (trimmed: string, pruned: string, free: string) => `Trimmed here: ${trimmed}; pruned: ${pruned}; ${free} of the file are free again.`,
    nobodyHolds: 'Nobody keeps anything back.',
    holds: (n: string) => `keeps back ${n} that it has not had`,
    overrun: 'is too far behind, and keeps back nothing',
    until: (time: string) => `until ${time} UTC`,
    words: (n: number, linked: number, away: string[], ahead: string[], lacking: string[]) => n === 0 ? 'This node knows no other.'
      : `This node knows ${count(n, 'other', 'others')}, of which ${number(linked)} ${linked === 1 ? 'is' : 'are'} linked. ${away.length === 0 ? 'All answer.' : `Not reached: ${list(away)}.`} ${
        ahead.length === 0 ? 'It is up to date, as far as is known.' : `It misses entries of ${list(ahead)}.`} ${lacking.length === 0 ? 'No other is known to miss anything.' : `Of its entries miss: ${list(lacking)}.`}`,
  },

  followers: {
    none: 'A follower handles each entry once, and goes on where it stopped. This begins one:',
    running: 'runs in the node', own: 'the node’s own: it reads on before the node writes a move, and before a trim', resting: 'comes and fetches, or does not run', takes: 'takes', upToDate: 'Up to date.', looked: 'Looked at', lookedAt: (n: string, all: string) => `${n} of ${all}`, handled: 'Handled', skipped: 'Skipped', trimmed: 'Gone before', dropped: 'Given up',
    behind: (n: string, span: string) => `Behind by ${n}; the first of them was written ${span} ago.`,
    unasked: (n: string) => `Not up to date: ${n} wait for the next move that this node writes, or the next trim.`,
    holds: 'Nothing is trimmed before it has looked at it.', lets: 'Trims do not wait for it.',
    failed: (times: string, ago: string) => `Failed ${times}, last ${ago}:`,
    attempts: (times: string) => `tried ${times}`,
    parked: (n: string) => `${n} parked`, moreParked: 'There are more: the command prints them all.',
    after: 'A parked entry is out of the way, and stays until it is given up:',
    wordsNone: 'No follower is kept on this node.',
    words: (n: number, own: number, running: number, behind: string[], parked: string[]) => `${count(n, 'follower is', 'followers are')} kept here${n === own ? ': the node’s own' : `, of which ${running === 0 ? 'none runs' : running === 1 ? 'one runs' : `${number(running)} run`} in the node at present`}. ${behind.length === 0 ? 'None is behind.' : `Behind, by entries: ${list(behind)}.`} ${parked.length === 0 ? 'Nothing is parked.' : `Parked entries: ${list(parked)}.`}`,
  },

  forks: {
    none: 'No author of this log has forked.', more: 'There are more: the command lists them all.',
    disputed: (n: string, branches: number, first: string, since: string) => `${n} on ${count(branches, 'branch', 'branches')} are disputed, from seq ${first} on, since ${since} UTC.`,
    shut: 'This node takes no more of it:',
    happened: 'What happened', means: 'What it means', todo: 'What to do',
    cause: 'Several processes have written with this author’s key, each its own entries for the same places. Most often a node’s folder was copied, its machine was cloned, or an old backup of it was started.',
    own: (seq: string) => `It is this node’s own key. What was written here ends with seq ${seq}.`, ownNothing: 'It is this node’s own key. Nothing of it was written here.',
    nothingLost: 'Nothing is lost. Every branch is kept, sent to every node, and read everywhere, marked disputed.',
    heldStays: 'What is held here stays, and is read, marked disputed. Other nodes may hold more of it.',
    notInDoubt: (seq: string) => `Not in doubt: the entries of this author below seq ${seq}, and all other authors.`, othersNotInDoubt: 'Not in doubt: all other authors.',
    stops: 'A process that has learned of it appends nothing more with this key, and says why. Everything else goes on.',
    remedy: 'Let every process with this key run until the others hold what it wrote. Then give every place that has to go on writing a key of its own: a folder that is stopped, which keeps its log,',
    orNew: 'or a new one:', neverCopy: 'Never start a copy of a folder that holds a key beside the original.', picture: 'Its cord in the picture',
    which: (i: number, n: number) => n === 1 ? 'The fork' : `Fork ${i} of ${n}`,
    below: 'below what this node holds', beginning: 'at the beginning of the feed', after: (seq: string) => `after seq ${seq}, op`,
    branch: (i: number) => `Branch ${i}`, holds: (n: string, from: string, until: string) => `${n}, from ${from} until ${until} UTC`,
    here: 'This node’s own writing ended on it.', parts: 'It parts again.',
    proved: 'A proof of the fork was verified by this node.', unproved: 'There is no proof: the branches parted below what this node holds.',
    wordsNone: 'A fork is two different entries that one key signed for the same place of its feed: as a rule a node’s folder was copied, and both copies were written to.',
    words: (n: number, who: string, entries: string) => `${count(n, 'author has', 'authors have')} signed two entries for one place: ${who}. ${entries} entries are disputed; none is lost.`,
  },

  rates: {
    window: (width: string) => `Entries per ${width}`, now: 'In the last minute', total: 'all', table: 'The same as a table', noSubject: 'Rates are counted by author and kind, not by subject.',
    from: (width: string) => `From (UTC), for ${width} each`,
    perSecond: (n: string, minute: string) => `${n} in the last second, ${minute} in the last minute that this page was open.`,
    words: (n: string, from: string, to: string, peak: string, at: string, kinds: string[]) => `${n} from ${from} to ${to} UTC, the most from ${at} on: ${peak}.${kinds.length === 1 ? ` All are of kind ${kinds[0]}.` : kinds.length > 0 ? ` The kinds with most entries: ${list(kinds)}.` : ''}`,
  },

  node: {
    own: 'this node', name: 'Name', author: 'Author', log: 'Log', holds: 'Holds', hash: 'Frontier', file: 'File', ready: 'Appends', appends: 'yes', appendsNot: 'no:', caught: 'Caught up', notYet: 'not yet',
    listen: 'Peers reach it at', http: 'Asked at', socket: 'Socket', version: 'Version', started: 'Started (UTC)', index: 'Index', indexed: 'covers all entries', quota: 'Room for others',
    held: (entries: string, authors: string, ops: string) => `${entries} of ${authors}, in ${ops}`,
    size: (all: string, free: string) => `${all}, of which ${free} are free`,
    caughtUp: (time: string) => `since ${time} UTC`, alone: 'knows no other node',
    behind: (n: string, left: string) => `lacks ${n}${left ? `, about ${left} more` : ''}`,
    indexing: (reached: string, next: string, rest: string) => `covers ${reached} of ${next} entries. The other ${rest} are read one by one: answers are whole, and the index takes new ones in once 1,024 have gathered.`,
    catchingUp: (reached: string, next: string) => `catching up: it covers ${reached} of ${next} entries. The others are read one by one: answers are whole, and slower.`,
    settings: 'Settings, and where each was said', noneSet: 'Nobody has set anything: all is as it is by default.', defaults: (n: number) => `${count(n, 'setting is as it is', 'settings are as they are')} by default`, setting: 'Setting', value: 'Value', source: 'Said by', unset: 'not set', noSettings: 'This node does not tell its settings over HTTP.',
    counts: 'What it has counted since its start',
    words: (who: string, entries: string, authors: string, size: string, s: Status) => `${who} holds ${entries} of ${authors} in a file of ${size}. ${standing(s)} ${s.conditions.length === 0 ? 'It reports no fault.' : `It reports: ${list(s.conditions.map(c => c.condition))}.`}`,
  },
}

// standing says in a sentence how far a node is with the others.
function standing(s: Status): string {
  if (!s.writable) return 'It appends nothing at present.'
  if (s.alone) return 'It knows no other node.'
  if (s.caughtUp) return `It is linked to ${count(s.linked, 'node', 'nodes')}, and holds all that they are known to hold.`
  return s.behind && s.behind.entries > 0 ? `It lacks ${count(s.behind.entries, 'entry', 'entries')} that others hold.` : 'It has not caught up with the others yet.'
}

// checks is what is said where something is checked in the browser: at an entry, at a dropped file and in offline.html, which
// has no other words.
export const checks = {
  offline: 'quipu, without a node',
  alone: 'This one file is all: it asks no node and no other address, and may not by its own policy. Keep a copy of it where you trust what you keep.',
  title: 'Check a bundle or a proof …',
  what: 'Drop files anywhere on this page, or choose some: bundles of “quipu bundle create”, proofs of “quipu prove”. They are checked in this browser: nothing of them is sent anywhere, and no node is trusted.',
  choose: 'Choose files …', checked: 'Checked files', close: 'Close', stop: 'Stop', begun: 'Waiting for its turn …', reading: 'How much of the file has been checked',
  underway: (read: string, size: string, ops: string, entries: string) => `${read} of ${size}: ${ops} ops with ${entries} entries hold so far.`,
  more: (n: string) => `Show more: ${n} are left`,
  refused: {
    proof: 'This reads like a proof, and is none that can be checked:',
    bundle: 'This begins like a bundle, and cannot be used:',
    neither: 'This is neither a bundle nor a proof.',
  },
  large: 'This is more than a page takes on. The program has no such bounds: quipu bundle show FILE.',
  unreadable: 'The browser could not read this file, or it changed while it was read.',
  stopped: 'Stopped. Nothing can be said of this file.',
  author: 'Author', log: 'Log',
  holds: (seq: string) => `This proof holds: the author below has signed this entry, as number ${seq} of its feed, for the log below.`,
  holdsNot: 'This proof does not hold. Nothing that it says is shown as if it were proven.',
  how: 'How it was checked',
  compare: 'Whether they are the author and the log that you mean is for you to compare: anybody can make a key, and with it a log.',
  same: 'The program says the same of it:',
  step: {
    entry: (n: string) => `The entry has ${n} bytes, in the one form that there is for it.`,
    leaf: 'Its leaf in the Merkle tree is SHA-256 of a zero byte and these bytes:',
    alone: 'It is alone in its op, so its leaf is the root that the op’s header names:',
    path: (index: string, count: string, hashes: number) => `It is entry ${index}, from 0, of ${count} in its op. With ${hashes === 1 ? 'one hash' : `${hashes} hashes`} beside it, its leaf leads to the root that the op’s header names:`,
    hashes: 'Each step', side: { left: 'with, on its left,', right: 'with, on its right,' },
    op: 'The op is of this log, and its id is SHA-256 of its header and signature:',
    anchor: 'The op’s own signature is looked at: no other is needed.',
    chain: (n: string) => `${n} more of the author’s headers, each naming the id of the one before it, lead up to one whose own signature is looked at.`,
    key: 'The author’s key is a point of the curve, written in its one way, and not of small order:',
    signature: (n: string) => `The author’s Ed25519 signature over the words “quipu/op/v1” and the header, ${n} bytes in all, holds:`,
    shown: 'The log is the one that this node says it has, and the entry is what the node shows elsewhere.',
  },
  failed: {
    entry: 'The entry is not of the form that there is for it:', leaf: 'Its leaf cannot be made:', path: 'The hashes do not lead to the root:', op: 'The op is not of this log:',
    chain: 'The headers are no chain:', key: 'The key is none that an author may have:', signature: 'The author has not signed this:',
    log: 'The proof is of another log than this node says that it has.', shown: 'The proof holds, and this node shows something else elsewhere. Do not believe this node.',
  },
  by: {
    secure: 'Signatures were checked by this browser’s own WebCrypto, which first answered known ones as the format demands; hashes by @noble/hashes, which is part of this page.',
    insecure: 'Signatures and hashes were checked by @noble/ed25519 and @noble/hashes, which are part of this page: it came by plain http, and then browsers offer no WebCrypto. Whoever can change what comes on that way can change the page as well; offline.html from a source that you trust has no such way.',
    unsupported: 'Signatures and hashes were checked by @noble/ed25519 and @noble/hashes, which are part of this page: the WebCrypto of this browser does not know Ed25519.',
    differs: 'Signatures and hashes were checked by @noble/ed25519 and @noble/hashes, which are part of this page: the WebCrypto of this browser answered a known signature otherwise than the format demands, and was not used.',
  },
  bundle: {
    whole: 'This bundle is whole, and everything in it holds.', wrong: (authors: string) => `This bundle is whole, and not everything in it holds: see ${authors} below.`,
    damaged: 'This bundle is damaged. What is listed holds all the same.',
    has: (entries: string, ops: string, authors: string) => `What holds in it: ${entries} in ${ops}, of ${authors}.`,
    damage: (at: string) => `From byte ${at} on:`, skipped: (frames: string) => `${frames} could not be read and were passed over.`,
    how: 'Each run of ops is a chain by their ids whose bodies match their roots, up to an op whose own signature holds.',
    maker: 'Made by', made: (at: string) => `by its own word, at ${at} UTC by its clock: nobody has signed that`, noTime: 'no time', frontiers: 'Leads',
    leads: (since: number, upto: number) => `from ${since === 0 ? 'nothing' : `what somebody holds of ${count(since, 'author', 'authors')}`} to all that its maker held of ${count(upto, 'author', 'authors')}`,
    caption: 'What it has of each author', columns: ['Author', 'Seqs', 'Entries', 'What is to say'], range: (from: string, to: string) => `${from} to ${to}`, nothing: 'none',
    inOps: (ops: string) => `in ${ops}`, sound: 'holds', loose: 'hangs in what is not in this bundle, or branches: only a log can tell',
    picture: (authors: string, from: string, to: string) => `Cords of ${authors}, with knots where their entries are, from ${from} to ${to} UTC.`,
    pictureMore: (n: string) => `The cords of ${n} more authors are not drawn.`,
  },
  entry: {
    time: 'Time', utc: (time: string) => `${time} UTC`, exactly: 'Exact time', key: 'Author’s key', kind: 'Kind', subject: 'Subject', module: 'Module', contentType: 'Content type', seq: 'Seq', clock: 'Clock', retention: 'Retention', op: 'Op',
    persistent: 'persistent: kept', trimmable: 'trimmable: nodes may drop the body once it is old', headers: (n: number) => count(n, 'header', 'headers'), empty: 'empty', moreHeaders: (n: number) => `${n} more`,
  },
  payload: {
    label: 'Payload', ways: 'Show it as', tree: 'Tree', text: 'Text', hex: 'Bytes', none: 'It has no payload.', notJson: 'Its content type says JSON, and it is none.',
    unnamed: 'an empty name', emptyText: 'an empty text', members: (n: number) => `{ ${count(n, 'member', 'members')} }`, items: (n: number) => `[ ${count(n, 'item', 'items')} ]`,
  },
  knot: {
    label: 'Entry', close: 'Close', telling: 'The entry in words and as commands', wait: 'Reading the entry …', none: 'There is no proof of this entry here: nothing can be shown of it that could be verified. Of an entry whose body was trimmed or forgotten only its number is left.',
    unreadable: 'What the node sent cannot be read as a proof:',
    disputed: 'Disputed: its author has signed another entry for the same place. Both are kept.',
    chain: 'Chain of ids', before: 'The op before', own: 'This op', after: 'A later op', anchor: 'whose own signature is looked at', vouches: 'which names the one before it', first: 'none: it is the author’s first',
    holdsSeqs: (from: string, to: string) => from === to ? `seq ${from}` : `seqs ${from} to ${to}`, previous: 'The entry before', next: 'The entry after', newest: 'It is the newest of its author here.', moreHeaders: (n: string) => `${n} more between`,
    verify: 'Verify here', again: 'Verify again', verified: 'Verified in this browser',
    holds: (seq: string) => `Genuine: its author signed exactly this, as number ${seq} of its feed in this log. Checked in this browser; no node had to be trusted.`,
    fails: 'Not verified: do not rely on what is shown of this entry.', technical: 'Technical details',
    held: 'Who holds it',
    holders: (n: number, who: string, more: number, others: number) => n === 0
      ? `This node holds it durably.${others > 0 ? ' No other is known to.' : ''}`
      : `This node holds it durably, and so do ${who}${more > 0 ? ` and ${number(more)} more` : ''}.${others > 0 ? ` ${count(others, 'other is', 'others are')} not known to.` : ''}`,
    words: (kind: string, who: string, seq: string, time: string) => `Entry ${seq} of ${who}, of kind “${kind}”, at ${time}.`,
  },
}
