package scalemodel

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "simulate all sizes, which takes minutes, and write docs/SCALE.md and docs/scale.svg anew")

const (
	document = "../../docs/SCALE.md"
	chart    = "../../docs/scale.svg"

	// The data of the document stands between these two lines.
	dataBegin = "<!-- data: written by go test ./integration/scalemodel -run TestScaleDocument -update -->"
	dataEnd   = "<!-- end of data -->"
)

// The sizes and rates of the document, and the part of each that is simulated again in every test.
var (
	allSizes  = []int{10, 50, 100, 1000, 10_000}
	fastSizes = []int{100, 1000}
	allRates  = []float64{10, 100, 1000}
	fastRates = []float64{10, 100}
)

const ratedNodes = 100

// TestScaleDocument checks that what the document says of the smaller clusters is what the model says
// now. With -update it writes the document's data and its chart.
func TestScaleDocument(t *testing.T) {
	if *update {
		writeDocument(t)
		return
	}
	if runtime.GOARCH != "amd64" {
		t.Skip("other processors round differently, and the smallest difference makes another story")
	}
	text := read(t, document)
	for _, n := range fastSizes {
		if n > 100 && (testing.Short() || os.Getenv("QUIPU_E2E") == "") {
			continue // takes ten seconds
		}
		r := Run(Config{Nodes: n, Seed: 1})
		for _, table := range byNodes {
			want(t, text, table.line(fmt.Sprint(n), r))
		}
	}
	for _, rate := range fastRates {
		want(t, text, byRate.line(fmt.Sprint(rate), Load(Config{Nodes: ratedNodes, Seed: 1, Rate: rate})))
	}
	checkChart(t)
}

func want(t *testing.T, text, line string) {
	t.Helper()
	if !strings.Contains(text, line) {
		t.Errorf("%s lacks the line below; if the change is meant, run this test with -update\n%s", document, line)
	}
}

func writeDocument(t *testing.T) {
	var results []Result
	for _, n := range allSizes {
		results = append(results, Run(Config{Nodes: n, Seed: 1}))
		t.Logf("%d nodes are done", n)
	}
	text := read(t, document)
	before, rest, found := strings.Cut(text, dataBegin)
	_, after, closed := strings.Cut(rest, dataEnd)
	if !found || !closed {
		t.Fatalf("%s has no place for the data, between %q and %q", document, dataBegin, dataEnd)
	}
	write(t, document, before+dataBegin+"\n"+data(results)+dataEnd+after)
	write(t, chart, draw(results))
}

// data returns the tables.
func data(results []Result) string {
	var b strings.Builder
	titles := []string{
		"How long an op takes, from the moment that it is durable where it was written",
		"Bytes that a node sends in a second",
		"A partition into halves: from the first link between them until all nodes hold all ops",
		"The power of one node in a hundred fails, while others write",
	}
	for i, table := range byNodes {
		fmt.Fprintf(&b, "\n### %s\n\n%s\n%s\n", titles[i], table.head, table.rule())
		for _, r := range results {
			fmt.Fprintln(&b, table.line(fmt.Sprint(r.Config.Nodes), r))
		}
	}
	fmt.Fprintf(&b, "\n### %d nodes at other rates\n\n%s\n%s\n", ratedNodes, byRate.head, byRate.rule())
	for _, rate := range allRates {
		fmt.Fprintln(&b, byRate.line(fmt.Sprint(rate), Load(Config{Nodes: ratedNodes, Seed: 1, Rate: rate})))
	}
	return b.String() + "\n"
}

// checkChart verifies that the chart can be shown.
func checkChart(t *testing.T) {
	t.Helper()
	for d := xml.NewDecoder(bytes.NewReader([]byte(read(t, chart)))); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("%s: %v", chart, err)
		}
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
