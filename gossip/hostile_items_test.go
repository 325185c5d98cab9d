package gossip_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What a peer may do wrong, and the tests that show what is counted and logged, that the others go on,
// and that memory and disk stay bounded. Tests of a package below stand with its folder.
var hostileItems = []struct {
	item  string
	tests []string
}{
	{"forged author", []string{"TestForgedAuthor"}},
	{"altered bytes anywhere in an op", []string{"TestAlteredBytes", "TestBadRuns"}},
	{"replay from another log", []string{"TestReplayFromAnotherLog", "TestOtherLogIsTurnedAwayByName"}},
	{"jump in seq", []string{"TestJumpInSeq", "TestAuthorsOffenceIsNotTheRelays"}},
	{"interior op with a bad signature", []string{"TestInteriorOpWithBadSignature"}},
	{"body stripped from a fresh trimmable op", []string{"TestStrippedBody"}},
	{"a head of our feed claimed but not proven", []string{"TestUnprovenHeadOfOurOwn"}},
	{"replayed pruned ops", []string{"TestReplayedPrunedOps"}},
	{"withholding", []string{"TestPeerThatOffersAndDoesNotDeliver"}},
	{"endless pending", []string{"TestEndlessPending", "pending/TestPendingIsBounded", "TestBackfillBesideEndlessPending", "TestSmallOpsInLargeFrames"}},
	{"oversized and nested frames", []string{"TestBadFrames", "TestHostilePackedFrames", "wire/TestAnnouncedSizes", "wire/TestBadPackedFrames"}},
	{"decompression bomb", []string{"TestHostilePackedFrames", "wire/TestBomb", "wire/TestBadPackedFrames"}},
	{"authors without number, and one without end", []string{"TestManyNewAuthorsOfAPeer", "TestManyAuthorsOfAnHonestPeer", "TestAuthorsBeyondTheBoundsOfTheLog"}},
	{"the smallest items, and many of them, in every queue", []string{"TestQueuesCountWhatTheyRetain", "transient/TestLaneCountsWhatItRetains"}},
	{"slow reader", []string{"TestSlowReader", "TestStuckPeerIsMovedToBackfill"}},
	{"slow writer", []string{"TestSlowWriter", "transport/TestNoProofTimesOut"}},
	{"half-open connections", []string{"TestHalfOpenConnections", "transport/TestIdleFlood", "transport/TestStalledFlood"}},
	{"a thousand connections", []string{"TestThousandConnections", "transport/TestFloodFromManyHosts", "transport/TestConnectionLimits"}},
	{"a head advert storm", []string{"TestAdvertStormOfAMember", "TestStorms", "TestOfferStorm", "TestEndlessComparison", "TestGraftOfManyAuthors", "membership/TestAdvertStorm"}},
	{"an exchange that never ends", []string{"TestExchangeWithAPeerThatNeverEnds", "TestExchangeWithASlowPeer"}},
	{"the end of our feed: only claimed, out of order, withheld by silence, among members that are made up", []string{
		"TestOwnEndThatIsOnlyClaimed", "TestOwnEndOutOfOrder", "TestOwnEndOfASilentPeer", "TestOwnEndFromWhoHasShutUs", "TestOwnEndAmongMadeUpMembers",
	}},
	{"who and members: not agreed, out of order, without end", []string{"TestWhoThatWasNotAgreed", "TestWhoIsKnown", "wire/TestBadMessages", "wire/TestAnnouncedMembers"}},
	{"clocks far in the future", []string{"TestClocksFarAhead", "TestTransientsThatAreDropped"}},
	{"transient events: forged, replayed, not agreed, without end", []string{"TestHostileTransients", "TestTransientThatWasNotAgreed", "TestTransientsThatAreDropped", "TestTransientFlood"}},
	{"times: not agreed, past all clocks, of other rounds, without end", []string{"TestTimesOfStrangers", "wire/TestBadMessages"}},
	{"pages: not agreed, no text, without end", []string{"TestPagesOfPeers", "wire/TestBadMessages"}},
	{"conditions: not agreed, out of order, unknown, without end", []string{"TestConditionsOfStrangers", "wire/TestBadMessages"}},
}

// TestHostileItemsAreTested checks that every item above has its tests.
func TestHostileItemsAreTested(t *testing.T) {
	text := make(map[string]string) // of the tests in a folder
	for _, item := range hostileItems {
		if len(item.tests) == 0 {
			t.Errorf("%s: no test", item.item)
		}
		for _, name := range item.tests {
			folder, name := filepath.Split(name)
			if _, read := text[folder]; !read {
				text[folder] = testsIn(t, filepath.Join(".", folder))
			}
			if !strings.Contains(text[folder], "\nfunc "+name+"(t *testing.T) {") {
				t.Errorf("%s: there is no %s in folder %q", item.item, name, folder)
			}
		}
	}
}

// testsIn returns the text of the test files in a folder.
func testsIn(t *testing.T, folder string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(b)
	}
	return all.String()
}
