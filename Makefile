# make build   static binary in ./bin
# make test    installs what the tests need (Debian, as root), then runs everything
# make netns   networks that interfere, as root: see docs/middlebox.md
# make check   formatting, vet, linter, module files, cross-builds
# make score   how right the diagnoses are; writes docs/accuracy.md
# make bench   connections and time per class of scenario
# make bench-capture  a capture of 2 GB: time, memory and handshakes beside tshark
# make scale   what the monitor needs for 10,000 and 100,000 endpoints, and for 30 days
# make kill    kills the monitor's store 500 times in a storm of changes
# make fuzz    every fuzz target, FUZZTIME each

GO      ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
FUZZTIME ?= 60s
TESTFLAGS ?=
PLATFORMS := linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64
# One of each kind is enough to see that all compile.
CHECKED := linux/arm64 darwin/arm64 windows/amd64

.PHONY: netns all build cross check fmt vet lint tidy deps test test-short score bench bench-capture performance fuzz clean

all: build

build:
	@mkdir -p bin
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/tlswhy ./cmd/tlswhy

# The binaries of every platform; nothing is run.
cross:
	@mkdir -p bin
	@set -e; for p in $(PLATFORMS); do \
		os=$${p%/*}; arch=$${p#*/}; ext=; [ $$os = windows ] && ext=.exe; \
		echo "build $$p"; \
		CGO_ENABLED=0 GOOS=$$os GOARCH=$$arch $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/tlswhy-$$os-$$arch$$ext ./cmd/tlswhy; \
	done

check: fmt vet lint tidy
	@$(MAKE) --no-print-directory cross PLATFORMS='$(CHECKED)'

fmt:
	@out=$$(gofmt -l $$(git ls-files '*.go' 2>/dev/null || find . -name '*.go')); \
	if [ -n "$$out" ]; then echo "gofmt would change:"; echo "$$out"; exit 1; fi

vet:
	$(GO) vet ./...

lint:
	$(GO) tool -modfile=tools/go.mod staticcheck ./...

# tidy fails when go.mod or go.sum, here or in tools, are not what they should be.
tidy:
	$(GO) mod tidy -diff
	cd tools && $(GO) mod tidy -diff

deps:
	@scripts/deps.sh

# The race detector needs a C compiler.
RACE = $(shell gcc -E -include stdlib.h - </dev/null >/dev/null 2>&1 && echo -race)

# The real servers are tested by themselves: they need the machine for
# themselves, since what answers late on a busy one looks like a fault. Under the
# race detector a simulated year is too long.
test: deps
	$(GO) test $(RACE) -timeout 25m $(TESTFLAGS) $$($(GO) list ./... | grep -v '/test\(/\|$$\)')
	$(GO) test -timeout 25m $(TESTFLAGS) ./internal/monitor/loop -run '^TestYear$$'
	$(GO) test $(RACE) -timeout 25m $(TESTFLAGS) -p 1 ./test/...
	@[ "$$(id -u)" = 0 ] || echo 'NOT TESTED: networks that interfere, which only root can make (test/netns)' >&2

netns:
	@scripts/deps.sh
	bash -o pipefail -c '$(GO) test ./test/netns -count 1 -timeout 25m -v -chance $(TESTFLAGS) | grep -v "^=== "'

test-short:
	$(GO) test -short $(TESTFLAGS) ./...

score:
	@scripts/deps.sh sslscan:sslscan testssl:testssl.sh
	rm -f bin/networks.jsonl; mkdir -p bin
	-[ "$$(id -u)" != 0 ] || $(GO) test ./test/netns -run '^TestPaths$$' -count 1 -timeout 25m -chance -results $(CURDIR)/bin/networks.jsonl
	touch bin/networks.jsonl
	$(GO) test ./test -run '^TestScore$$' -count 1 -timeout 30m -score -networks $(CURDIR)/bin/networks.jsonl
	@cat docs/accuracy.md

bench: deps
	$(GO) test -run '^$$' -bench . -benchtime 1x ./test/...

# TLSWHY_BENCH_BYTES=500000000 for less. It needs that much room in TMPDIR.
bench-capture: deps
	$(GO) test ./internal/capture -run '^$$' -bench '^BenchmarkBinary$$' -benchtime 1x -timeout 30m

# Beside the peers that are installed; TLSX, ZGRAB2 and BLACKBOX name checkouts. Writes
# docs/performance.md.
performance: deps
	$(GO) run ./bench all
	@cat docs/performance.md

scale: deps
	TLSWHY_BENCH_SCALE=1 $(GO) test -run '^$$' -bench 'Light|Scale|Month|List|Alert' -benchtime 1x -timeout 60m ./cmd/tlswhy ./internal/monitor/sqlite ./internal/monitor/api

kill:
	TLSWHY_TEST_KILLS=500 $(GO) test ./internal/monitor/sqlite -run '^TestKill$$' -count 1 -timeout 60m -v

fuzz:
	@FUZZTIME=$(FUZZTIME) GO=$(GO) scripts/fuzz.sh

clean:
	rm -rf bin coverage.out
