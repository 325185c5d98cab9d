// Package transition keeps the moves of subjects from one stage to another as entries of a log: a
// proposal from draft to accepted, an order from paid to shipped. What is written is each writer's
// word, and a replay says how the words fit together.
//
// There are a few types:
//
//   - [Move] is what a program hands in: a subject, the stage it moves to, and what caused it.
//   - [Transition] is a move in the log, read back from an entry of kind [Kind].
//   - [After] names the transition that a writer had last seen of a subject when it wrote another.
//   - [Replay] is what all transitions together say: for each [Subject] its stage and its history.
//   - [State] is where one subject is; [Bounds] say as of when, or by which entries.
//   - [RefusedError] is what becomes of a guarded move that a machine does not allow.
//   - [Report] is what a check against a [machine.Machine] found: a [Finding] for each oddity.
//
// [Append] writes moves, [Read] reads transitions by any query, [ReplayLog] replays them in causal
// order:
//
//	places, err := transition.Append(ctx, log, transition.Move{Subject: "PEP-0008", To: "active"})
//	…
//	replay, err := transition.ReplayLog(ctx, log)
//	fmt.Println(replay.Subject("PEP-0008").Stage)
//
// [States] and [CheckLog] say less and hold less: a record for each subject instead of all histories.
//
// # The payload
//
// A transition is an event of kind [Kind] whose subject is the event's, with a payload in JSON that
// never changes its form:
//
//	{"from":"draft","to":"active","trigger":"vote","after":{"author":"5e0f…","seq":12,"op":"93c1…"}}
//
// The fields stand in this order, without white space. from is the stage that the writer says the
// subject was in, "" for none; trigger is left out when empty. after is the place of the transition of
// the same subject that its writer had last seen, the last one in causal order; it is left out when
// there was none. It is filled in inside the transaction that appends the move, so that no transition
// can arrive in between.
//
// # What a replay names
//
// A history is in causal order (true to cause and effect where clocks are within a minute), but never puts
// a transition before the one that it names, even where a clock is wrong. Two transitions of a subject that
// name the same after are concurrent: neither writer had seen the other's, whatever their clocks say. A
// transition whose after is not here yet is early. A transition whose from is not the stage that the
// subject was in does not follow. A transition whose payload cannot be read is malformed. All of them are
// kept and named as what they are: nothing is dropped, and a stranger's nonsense stops nothing.
//
// Where concurrent transitions have moved a subject to different stages the subject is contested. All of
// them are candidates, and the last in causal order counts, until a later transition names that one and so
// moves the subject on. Its writer had probably seen the other candidates as well, but nothing in the log
// says so: they stay named as concurrent for good.
//
// # What a check finds
//
// A check holds each move, as its writer says it, against a machine that is declared in package machine. It
// finds unknown states, beginnings and moves that the machine does not allow, moves out of terminal states,
// and moves by other triggers. It adds what a replay names, with one difference: a move does not follow
// when it begins elsewhere than where the transition that it names led. A move whose writer had not seen
// that the subject had been moved meanwhile is concurrent, and follows what its writer knew. Each [Finding]
// has its entry, the reason, and what was expected. Two nodes that hold the same entries find the same.
//
// # Guarded moves
//
// [Append] refuses no move for a machine's sake. [AppendTx] does: in the caller's transaction, where
// [Stage] says where a subject is, nothing comes between looking and moving. That is no lock over nodes:
// two nodes that cannot see each other may both move a subject, and a replay names that.
package transition
