# The two commands that matter need no make: go run ./cmd/quipu demo, go test ./...

STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
FUZZTIME    := 15s

.PHONY: all build test race lint fuzz bench demo ci

all: lint test

build: ; CGO_ENABLED=0 go build -trimpath -o bin/quipu ./cmd/quipu

test: ; go test ./...

race: ; .ci/race

demo: ; go run ./cmd/quipu demo

lint:
	@files=$$(git ls-files --cached --others --exclude-standard -- '*.go') && bad=$$(gofmt -l $$files) && test -z "$$bad" || \
		{ echo "$$bad"; echo "gofmt: the files above want formatting"; exit 1; }
	go vet ./...
	go mod tidy -diff
	go run $(STATICCHECK) ./...

# fuzz runs every fuzz target of every package for FUZZTIME.
fuzz: ; .ci/fuzz $(FUZZTIME)

# bench holds the log against bbolt alone, on the disk that TMPDIR is on, and prints their ratios: a minute or two on
# a machine that does nothing else. Other benchmarks: make bench BENCH=Read PKG=./eventlog, or BENCH=. PKG=./... for all.
BENCH := ^BenchmarkFloor$$
PKG   := ./eventlog
bench: ; go test -run '^$$' -bench '$(BENCH)' -benchmem -timeout 60m $(PKG)

ci: ; bash .ci/run
