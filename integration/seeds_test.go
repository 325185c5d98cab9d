package integration

import (
	"go/ast"
	"go/build"
	"path"
	"regexp"
	"strings"
	"testing"
)

// A failure is something by which a system older than quipu fails its users. What five such systems can
// do, quipu can; what is wrong with them is listed here, with the tests, as FOLDER.TEST, that would fail
// if quipu failed so. The comment of each of them names its system by the letter.
//
//	A  a CRDT transition log: a pipeline's transitions in a list that only grows
//	B  a client's event log with followers
//	C  the same log, grown: classes, trimming, statistics
//	D  recovery of a client's state from history
//	E  an event recorder for a database
//
// Of these, not built yet and so without tests: of system E, sinks that write to a database: tables with
// columns of their own, schemas that do not fit, rows that expire.
type failure struct {
	system, failure string
	tests           []string
}

var failures = []failure{
	{"A", "sequence and time are floats", []string{"crdt.TestSequenceAndTimeAreNoFloats"}},
	{"A", "times are whole seconds", []string{"crdt.TestTimesAreNotCutToSeconds"}},
	{"A", "the sequence begins again after a restart, and the replay is out of order", []string{
		"eventlog.TestTheSequenceGoesOnAfterARestart", "eventlog/bridge.TestTheCountGoesOnAfterARestart"}},
	{"A", "an op is applied and sent before it is stored", []string{
		"eventlog.TestWhatIsNotStoredIsAnErrorAndShownToNobody", "eventlog.TestNothingIsShownBeforeItIsSynced"}},
	{"A", "errors on the way to the disk are swallowed", []string{"eventlog.TestWhatIsNotStoredIsAnErrorAndShownToNobody"}},
	{"A", "the signer need not be the author named inside", []string{"crdt.TestTheSignerIsTheAuthorNamedInside", "gossip.TestForgedAuthor"}},
	{"A", "the signature covers part of an op", []string{"crdt.TestTheSignatureCoversTheWholeOp", "crdt.TestOpMalleability"}},
	{"A", "reading copies the whole log to memory", []string{"eventlog.TestNoReaderHoldsTheWholeLog", "eventlog/transition.TestStatesDoNotHoldTheHistory"}},
	{"A", "no filter, no page, no cursor", []string{
		"eventlog.TestALogIsReadByFilterByPageAndFromACursor", "eventlog.TestHistoryOfOneSubjectDoesNotReadTheWholeLog"}},
	{"A", "malformed entries are dropped in silence", []string{"eventlog/transition.TestMalformedEntriesAreReportedNotDropped"}},
	{"A", "bad times become 1970", []string{"crdt.TestABadTimeIsRefusedAndNotMade1970", "eventlog/transition.TestBadTimesStayTheWritersWord"}},
	{"A", "what a subscriber missed while it lagged is lost, with or without a mark", []string{"eventlog/bridge.TestALaggingSubscriberRecordsEveryOne"}},
	{"A", "the numbers hide what was missed", []string{"eventlog/bridge.TestTheNumbersDoNotHideWhatTheSourceLost"}},
	{"A", "recording does nothing, in silence, when it is not set up", []string{"eventlog/bridge.TestABridgeThatWasNotMadeIsAnError"}},
	{"A", "a node is open to anyone by default", []string{"node.TestANodeIsNotOpenToAnyoneByDefault", "gossip/transport.TestSecretRequired"}},
	{"A", "the clock is a count, so that one missing op leaves a hole for good", []string{
		"crdt.TestOneMissingOpLeavesNoHole", "eventlog.TestLateArrivalsAreNeverSkipped"}},
	{"A", "the queue of waiting ops has no bound", []string{"crdt.TestSetBoundsPending", "gossip/pending.TestPendingIsBounded", "gossip.TestEndlessPending"}},
	{"A", "a replay takes the square of the ops", []string{"crdt.TestAnOpIsPlacedWithoutThoseBeforeIt", "eventlog.TestOpeningReadsNoEntries"}},

	{"B", "decoding does not check the kind", []string{"eventlog/typed.TestDecodeChecksTheKind"}},
	{"B", "a limit is a distance in ids", []string{"eventlog.TestTheLimitOfABatchCountsEntries", "eventlog.TestLimitOfAHistoryCountsItsEntries"}},
	{"B", "a bad payload becomes null in silence", []string{"eventlog/typed.TestABadPayloadIsAnErrorWithItsPlace"}},
	{"B", "reading the whole log runs out of memory", []string{"eventlog.TestNoReaderHoldsTheWholeLog"}},
	{"B", "a staging table and an ordering task that a store with one writer does not need", []string{
		"eventlog.TestWritersNeedNoStagingTableAndNoOrderingTask"}},
	{"B", "a write transaction is held while a follower waits", []string{"eventlog.TestNoTransactionIsHeldWhileAFollowerWaits"}},
	{"B", "receivers that lag lose events", []string{
		"eventlog.TestSlowReadersLoseNothing", "eventlog.TestLaggingReceiverIsToldWhatItMissed", "eventlog/bridge.TestALaggingReceiverThatDropsNamesWhatItDropped"}},

	{"C", "a flag sends every trimmable event down the transient way, and none is stored", []string{
		"eventlog.TestTrimmableEventIsStoredAndNotBroadcast", "eventlog/typed.TestATrimmableEventIsStoredAndTrimmable"}},
	{"C", "trimming runs at the start only", []string{"node.TestTrimmingIsNotForTheStartAlone"}},
	{"C", "one entry with a time in the future blocks the trim", []string{
		"eventlog.TestOneEntryWithAFutureTimeDoesNotBlockTheTrim", "eventlog/analysis.TestFutureTimeMakesNothingLate"}},
	{"C", "a trim takes entry 0 of a short log", []string{"eventlog.TestAShortLogKeepsItsFirstEntry"}},
	{"C", "what was trimmed leaves a number that is given again", []string{"eventlog.TestTrimmingNeverGivesANumberAgain"}},
	{"C", "a follower without a cursor waits for ever", []string{
		"eventlog.TestAFollowerWithoutACursorBeginsAtOnce", "eventlog.TestNoFollowerWaitsForWhatIsTrimmedOrPruned"}},
	{"C", "a follower behind the trim waits for ever", []string{
		"eventlog.TestAFollowerBehindTheTrimIsTold", "eventlog.TestNoFollowerWaitsForWhatIsTrimmedOrPruned"}},
	{"C", "a join compares each with each", []string{"eventlog/analysis.TestJoinIsNoNestedLoop"}},
	{"C", "microseconds are compared as milliseconds", []string{"eventlog/analysis.TestMicrosecondsAreNotComparedAsMilliseconds"}},
	{"C", "sorting parts each latency from its fee", []string{"eventlog/analysis.TestSortingKeepsLatencyAndFeeTogether"}},
	{"C", "bytes come back from JSON as a hex text", []string{"crdt.TestBytesComeBackFromJSONAsBytes"}},

	{"D", "a saved state of an unknown version is left for a new one, in silence", []string{"eventlog/rebuild.TestAnUnknownVersionIsAnError"}},
	{"D", "a gap, or a part that is missing, ends the process", []string{
		"eventlog/rebuild.TestWhatIsGoneIsATypedError", "eventlog/rebuild.TestWhatIsPrunedIsATypedError", "eventlog/rebuild.TestAnEntryThatIsNotHereYet"}},
	{"D", "one bad module keeps all others waiting", []string{"eventlog/rebuild.TestAPoisonedProjectionStopsNoOther"}},
	{"D", "the tests go another way than what is shipped", []string{
		"eventlog/rebuild.TestOneRangeGivesTheSameBytesAnywhere", "eventlog/rebuild.TestAKilledProcessGoesOnAtItsCheckpoint"}},

	{"E", "an event without a time gets that of the flush", []string{
		"eventlog/recorder.TestTimeIsTakenAtTheCallNotAtTheFlush", "eventlog/bridge.TestTimeIsTakenAtTheCallNotAtTheFlush"}},
	{"E", "an event goes where another of its type went", []string{"eventlog/recorder.TestEventsOfOneKindKeepTheirOwnModule"}},
	{"E", "what comes while the channel is full is gone", []string{"eventlog/recorder.TestNothingIsGoneWhenTheBufferIsFull"}},
	{"E", "what failed three times is gone", []string{"eventlog/recorder.TestNothingIsGoneAfterTheRetries"}},
	{"E", "closing flushes the buffer and not the channel", []string{
		"eventlog/recorder.TestCloseDrainsBufferQueueAndSpill", "eventlog/bridge.TestCloseDrainsWhatIsQueuedWithoutARunToo"}},
	{"E", "a recorder that is dropped flushes nothing", []string{"eventlog/recorder.TestARecorderThatIsForgottenIsFlushedOrSaysWhatIsGone"}},
	{"E", "a batch that is tried again writes again what had succeeded", []string{
		"eventlog/recorder.TestARetriedBatchInsertsNothingTwice", "eventlog/bridge.TestABatchIsRetriedUntilThereIsRoomAndNeverTwice"}},
	{"E", "what can never be written is tried again like what met a broken network, and takes its batch with it", []string{
		"eventlog/recorder.TestAnEventThatCanNeverBeAppendedIsRefusedAloneAndAtOnce"}},
	{"E", "a filter with an unknown type records nothing, in silence", []string{"eventlog/recorder.TestAFilterWithAnUnknownKindIsWarnedOf"}},
}

// TestFailuresOfOlderSystemsAreTested checks that each failure has its tests: that they are there, skip
// nothing and name the system, and that one of them at least runs wherever quipu does.
func TestFailuresOfOlderSystemsAreTested(t *testing.T) {
	tests := testFuncs(t)
	for _, f := range failures {
		everywhere := false
		for _, name := range f.tests {
			test, ok := tests[name]
			if !ok {
				t.Errorf("%s: %s: there is no %s", f.system, f.failure, name)
				continue
			}
			everywhere = everywhere || test.everywhere(t)
			if test.skips() {
				t.Errorf("%s: %s: %s may be skipped", f.system, f.failure, name)
			}
			if !strings.Contains(test.systems(), f.system) {
				t.Errorf("%s: %s: the comment of %s does not name system %s", f.system, f.failure, name, f.system)
			}
		}
		if !everywhere {
			t.Errorf("%s: %s: no test that runs on all systems", f.system, f.failure)
		}
	}
}

// testFunc is a test and the file that it stands in.
type testFunc struct {
	file goFile
	decl *ast.FuncDecl
}

// testFuncs returns the tests of the repository as FOLDER.TEST.
func testFuncs(t *testing.T) map[string]testFunc {
	t.Helper()
	tests := make(map[string]testFunc)
	for _, f := range goFiles(t) {
		if !strings.HasSuffix(f.name, "_test.go") {
			continue
		}
		for _, decl := range f.ast.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if ok && fn.Recv == nil && strings.HasPrefix(fn.Name.Name, "Test") && len(fn.Type.Params.List) == 1 {
				tests[f.dir+"."+fn.Name.Name] = testFunc{f, fn}
			}
		}
	}
	return tests
}

// skips reports whether something in the test may skip it.
func (f testFunc) skips() bool {
	found := false
	ast.Inspect(f.decl.Body, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			switch sel.Sel.Name {
			case "Skip", "Skipf", "SkipNow":
				found = true
			}
		}
		return !found
	})
	return found
}

var namedSystems = regexp.MustCompile(`(?i)\bsystems?\s([A-E](?:(?:,| and)\s[A-E])*)\b`)

// systems returns the letters of the systems that the comment of the test names.
func (f testFunc) systems() string {
	var letters strings.Builder
	for _, named := range namedSystems.FindAllStringSubmatch(f.decl.Doc.Text(), -1) {
		letters.WriteString(named[1])
	}
	return letters.String()
}

// everywhere reports whether the file of the test is built on all systems that quipu runs on.
func (f testFunc) everywhere(t *testing.T) bool {
	t.Helper()
	for _, system := range []string{"linux", "darwin", "windows"} {
		on := build.Default
		on.GOOS = system
		matches, err := on.MatchFile(path.Join("..", f.file.dir), path.Base(f.file.name))
		if err != nil {
			t.Fatal(err)
		}
		if !matches {
			return false
		}
	}
	return true
}
