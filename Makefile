# nsinspect: `make help` lists the targets.
SHELL := /bin/bash
export CGO_ENABLED := 0

BIN     := bin/nsinspect
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
LDFLAGS := -s -w -X main.version=$(VERSION)
TOOL    := go tool -modfile=tools/go.mod
# A number of inputs, not a time: a run that time ends can fail for that alone.
FUZZTIME ?= 10000x
BENCHTIME ?= 1x

.DEFAULT_GOAL := help
.PHONY: build run test bench lint fuzz golden man help deps install clean

build: ## build the static binary bin/nsinspect
	go build -trimpath -ldflags '$(LDFLAGS)' -o $(BIN) ./cmd/nsinspect

run: build ## build, then list the namespaces of this host
	./$(BIN) ls

deps: ## install what the live tests need (apt, when root and missing)
	.ci/deps

test: deps build ## install what is missing, then run every test, and each fuzz target with FUZZTIME inputs
	go vet ./...
	go test -count=1 -p 1 -timeout 30m ./...
	$(MAKE) --no-print-directory fuzz FUZZTIME=$(FUZZTIME)

bench: build ## run the benchmarks: ratios against lsns, nsenter and ip in the same run
	go test -run '^$$' -bench . -benchtime $(BENCHTIME) -timeout 60m ./...

lint: ## gofumpt, vet, staticcheck
	@out=$$($(TOOL) gofumpt -l $$(git ls-files '*.go')); [ -z "$$out" ] || { echo "not formatted (gofumpt -w):"; echo "$$out"; exit 1; }
	go vet ./...
	$(TOOL) staticcheck ./...
	GOARCH=arm64 go vet ./...

fuzz: ## run each fuzz target for FUZZTIME: inputs (10000x) or a time (30s)
	.ci/fuzz $(FUZZTIME)

golden: ## write the golden files of the views anew
	go test $$(go list -f '{{range .TestImports}}{{if eq . "nsinspect/render/rendertest"}}{{$$.ImportPath}}{{end}}{{end}}' ./...) -run 'Golden|Scripts' -update

man: ## write the man pages to man/
	go run -tags man ./cmd/nsinspect man

install: build ## install to PREFIX (/usr/local)
	install -D -m 0755 $(BIN) $(DESTDIR)$(or $(PREFIX),/usr/local)/bin/nsinspect

clean: ## remove what was built
	rm -rf bin man

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "%-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
