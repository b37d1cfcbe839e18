# akios-exec: the one door for building, trying, testing and installing.
#
#   make demo     watch a real agent run in the cage          make test    everything that can fail
#   make build    the programs, release                  make check   format, lint, warnings, imports
#   make bench    ratios against bwrap and mitmproxy           make install DESTDIR=… PREFIX=/usr

PREFIX  ?= /usr/local
DESTDIR ?=
# Static Swift runtime: 1 ms less to main, and egress needs fewer libraries in its root.
SWIFT_FLAGS := --static-swift-stdlib --explicit-target-dependency-import-check error
BIN     := .build/release
PROGRAMS := akios-exec akios-egress akios-init akios akios-http
VENV    := .build-venv

DEBS_BUILD := libc6-dev libstdc++-12-dev libseccomp-dev libcap-dev libnftnl-dev libmnl-dev libvectorscan-dev libyaml-dev \
              libc-ares-dev libidn2-dev libunistring-dev zlib1g-dev libbrotli-dev libzstd-dev pkg-config
DEBS_TEST  := gcc nodejs openjdk-17-jre-headless python3 python3-venv python3-cryptography brotli zstd curl git openssl sudo bubblewrap nftables iproute2 procps util-linux less strace expect \
              qemu-system-x86 qemu-system-common linux-image-cloud-amd64 busybox-static kmod cpio e2fsprogs \
              hub libnss3-tools liblwp-protocol-https-perl node-undici p11-kit-modules php-cli php-curl ruby wget
# Clients the demo, the tests and the benchmarks run in the cage, from PyPI.
PIPS := openai anthropic requests httpx aiohttp boto3 grpcio ollama httplib2
# The agents' own command lines, 360 MB each.
PIPS_AGENTS := claude-agent-sdk openai-codex-cli-bin
# The SDKs of `make conformance`: 30 MB to download. aider pins older versions of some of them, so it is on its own: 150 MB.
PIPS_CONFORMANCE := openai openai-agents anthropic google-genai mistralai ollama langchain-openai
PIPS_AIDER := aider-chat
PIPS_BENCH := mitmproxy

.DEFAULT_GOAL := build
.PHONY: deps deps-build deps-test deps-bench deps-agents deps-conformance build debug demo test unit root vm attack floods transcripts trust \
        conformance check format bench install uninstall clean patterns

deps: deps-build deps-test

# Each of these looks first and installs only what is missing, so that every other target may depend on it.
deps-build:
	@scripts/deps apt $(DEBS_BUILD)
deps-test: deps-build
	@scripts/deps apt $(DEBS_TEST)
	@scripts/deps pip $(VENV) $(PIPS)
deps-agents:
	@scripts/deps pip .build-venv-agents $(PIPS_AGENTS)
# What cannot be installed is named here and skipped in the suite; the other clients run.
deps-conformance: deps-test
	@$(MAKE) -s deps-agents || echo "$(PIPS_AGENTS): not installed"
	@scripts/deps pip .build-venv-conformance $(PIPS_CONFORMANCE) || echo "$(PIPS_CONFORMANCE): not all installed"
	@scripts/deps pip .build-venv-aider $(PIPS_AIDER) || echo "$(PIPS_AIDER): not installed"
deps-bench: deps-test
	@scripts/deps pip .build-venv-bench $(PIPS_BENCH)

build: deps-build
	swift build -c release $(SWIFT_FLAGS)

demo: deps-test build
	@Tests/Demo/run

# `swift test` builds for debugging: unit tests of the pure core, and the root tests in throw-away namespaces.
unit: deps-test
	swift test --explicit-target-dependency-import-check error
transcripts: deps-test build
	@Tests/Transcripts/run
attack: deps-test build
	@Tests/Attacks/run
trust: deps-test build
	@Tests/Trust/run
conformance: deps-conformance build
	@Tests/Conformance/run
floods: deps-test build
	@Tests/Floods/run
vm: deps-test build
	@Tests/VM/run
test: unit build transcripts trust attack floods vm

check: deps-build
	@scripts/check

format:
	swift format -i -r Sources Tests Package.swift

bench: deps-bench build
	@Benchmarks/run

patterns: deps-build
	swift build -c release $(SWIFT_FLAGS) --product akios-patterns
	$(BIN)/akios-patterns CShims/CData/patterns.db

install: build
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/libexec/akios $(DESTDIR)$(PREFIX)/share/man/man1 \
	    $(DESTDIR)$(PREFIX)/share/man/man5 $(DESTDIR)$(PREFIX)/share/doc/akios-exec/docs/adr
	install -m 0755 -s $(BIN)/akios-exec $(BIN)/akios $(DESTDIR)$(PREFIX)/bin/
	install -m 0755 -s $(BIN)/akios-egress $(BIN)/akios-init $(BIN)/akios-http $(DESTDIR)$(PREFIX)/libexec/akios/
	install -m 0644 man/*.1 $(DESTDIR)$(PREFIX)/share/man/man1/
	install -m 0644 man/*.5 $(DESTDIR)$(PREFIX)/share/man/man5/
	install -m 0644 README.md LICENSE SECURITY.md CONTRIBUTING.md $(DESTDIR)$(PREFIX)/share/doc/akios-exec/
	install -m 0644 docs/*.md $(DESTDIR)$(PREFIX)/share/doc/akios-exec/docs/
	install -m 0644 docs/adr/*.md $(DESTDIR)$(PREFIX)/share/doc/akios-exec/docs/adr/

uninstall:
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/bin/,akios-exec akios) $(DESTDIR)$(PREFIX)/share/man/man1/akios*.1 \
	    $(DESTDIR)$(PREFIX)/share/man/man5/akios*.5
	rm -rf $(DESTDIR)$(PREFIX)/libexec/akios $(DESTDIR)$(PREFIX)/share/doc/akios-exec

clean:
	rm -rf .build .build-*
