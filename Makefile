# A short way to what cargo and CMake do. `make help` lists the targets.

PREFIX ?= /usr/local
BUILD ?= build/release
CARGO ?= cargo
SECONDS ?= 60
# Cargo's target directory, where fabricd is found.
target_dir = $(or $(CARGO_TARGET_DIR),target)

MAKEFLAGS += --no-print-directory
.PHONY: help build demo demo-mysql quick test check-all bench fuzz lint deny format header abi docs wheel package install uninstall clean
.DEFAULT_GOAL := help

help:
	@echo 'make demo      route keys of a sample farm and see a failover'
	@echo 'make demo-mysql  write to two groups of real MySQL servers while their primaries go'
	@echo 'make quick     before each commit, in a minute: lint, unit tests, imports, header, ABI'
	@echo 'make test      everything: lint, Rust, C, installation, Python and Go tests'
	@echo 'make check-all what takes longer than that: 10,000 forks, 1,000 kills, and more of the like'
	@echo 'make bench     measure; the tables go to $(BUILD)/bench.md, and with UPDATE_PERFORMANCE=1'
	@echo '               to docs/PERFORMANCE.md'
	@echo 'make fuzz      look for what is read in two ways, of Fabric and MySQL, each for SECONDS=$(SECONDS)'
	@echo 'make build     the library, in $(BUILD)/lib'
	@echo 'make wheel     the Python package with the library inside, in build/wheel'
	@echo 'make install   to PREFIX=$(PREFIX), below DESTDIR if it is given'
	@echo 'make uninstall what was installed, from there again'
	@echo 'make package   .deb, a tarball, the wheel, each with its licences, in build/package'
	@echo 'make docs      the reference for every language, and the documents, in $(BUILD)/docs/html'
	@echo 'make lint      the format of Rust and C, and what clippy finds'
	@echo 'make format    write Rust and C as the format wants them'
	@echo 'make deny      licences and sources of what is depended on, with cargo-deny'
	@echo 'make abi       write abi/ anew from the header: see docs/ABI.md first'
	@echo 'make header    write include/mysqlfabric.h anew from src/ffi'
	@echo 'make clean     remove what was built'

$(BUILD)/CMakeCache.txt:
	@tests/need-packages.sh cc c++ cmake
	cmake -S . -B $(BUILD) -DCMAKE_BUILD_TYPE=Release

build: $(BUILD)/CMakeCache.txt
	cmake --build $(BUILD) --target mysqlfabric_library

demo: $(BUILD)/CMakeCache.txt
	@cmake --build $(BUILD) --target mysqlfabric_fabricd
	@cmake --build $(BUILD) --target example_demo
	@echo
	@FABRICD=$(target_dir)/debug/fabricd tests/with-fabricd.sh -- \
	    tests/run-example.sh $(BUILD)/examples-c/demo @control@

# Real MySQL servers, which are fetched once.
demo-mysql:
	@tests/need-packages.sh cc c++ cmake libmariadb
	@cmake -S . -B $(BUILD) -DCMAKE_BUILD_TYPE=Release >/dev/null
	@cmake --build $(BUILD) --target example_service
	@echo
	@tests/servers/demo.sh $(BUILD)/examples-c/service

# What needs neither a C build nor a Fabric node.
quick:
	@tests/need-packages.sh rustfmt clippy cc
	@$(MAKE) lint
	$(CARGO) test --locked -q --lib --test abi --test boundary --test errors --test exports --test header \
	    --test house --test imports --test panic_hook --test readme
	$(CARGO) test --locked -q --doc

test:
	@BUILD=$(BUILD) tests/run-all.sh

check-all:
	@BUILD=$(BUILD) tests/check-all.sh

bench: $(BUILD)/CMakeCache.txt
	@cmake -S . -B $(BUILD) >/dev/null
	cmake --build $(BUILD) --target bench_c
	$(CARGO) bench --locked --no-run --bench search
	$(CARGO) build --locked -p fabricd
	@BUILD=$(BUILD) benches/run.sh

fuzz:
	tests/fuzz/run.sh $(SECONDS)

lint:
	$(CARGO) fmt --all --check
	@tests/format-c.sh --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	$(CARGO) clippy --locked --workspace --test mysql --test on_mysql --bench failover -- -D warnings

format:
	$(CARGO) fmt --all
	tests/format-c.sh

deny:
	@tests/deny.sh

header:
	UPDATE_HEADER=1 $(CARGO) test --locked --test header

abi:
	UPDATE_ABI=1 $(CARGO) test --locked --test abi

# For every Python from 3.10 on.
wheel: build
	@tests/need-packages.sh python3 venv python-headers readelf
	@bindings/python/wheel.sh $(BUILD)/lib/libmysqlfabric.so build/wheel

# What a release is published as.
package:
	@tests/need-packages.sh cc c++ cmake python3 venv python-headers readelf \
	    $$(! command -v dpkg >/dev/null || echo dh)
	@BUILD=$(BUILD) packaging/package.sh

# Does not build what is built, so that it can be run as another user.
install:
	@[ -e $(BUILD)/lib/libmysqlfabric.a ] || $(MAKE) build
	cmake --install $(BUILD) --prefix $(PREFIX)

# What the manifests in $(BUILD) name, below DESTDIR if it is given.
uninstall:
	cmake --build $(BUILD) --target uninstall

docs: $(BUILD)/CMakeCache.txt
	@tests/need-packages.sh doxygen go python3 venv python-headers readelf
	cmake -S . -B $(BUILD) >/dev/null
	cmake --build $(BUILD) --target docs

clean:
	rm -rf build
	$(CARGO) clean
