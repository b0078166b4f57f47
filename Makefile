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

.PHONY: help run demo test histories powercut test-mcu size instructions performance coverage firmware board check-board lint bench gallery technician font clean image flash deploy bundle keys
.DEFAULT_GOAL := help

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

run: $(READY)  ## a terminal, live in this window, beside an acquirer
	@$(PY) -m simulator run

demo: $(READY)  ## a day of trade, unattended; pictures and receipts in out/demo
	@$(PY) -m simulator demo

test: $(READY)  ## all tests
	@$(PY) -m pytest -n 2 --dist loadfile

histories: $(READY)  ## random days of a shop with every fault: N=10000 SEED=...
	@PYTHONPATH=tools:host_tests $(PY) -m histories days $(if $(N),--n $(N)) $(if $(SEED),--seed $(SEED))

powercut: $(READY)  ## power cuts at every operation of the flash, in scripted scenarios
	@PYTHONPATH=tools:host_tests $(PY) -m histories powercut $(if $(AT),--at "$(AT)")

test-mcu: $(READY)  ## the tests and a day of trade on an emulated 32-bit microcontroller (QEMU)
	@$(PY) -m mcu build
	@SHOUYIN_MCU=1 $(PY) -m pytest -n 2 --dist loadfile host_tests/mcu

size: $(READY)  ## ROM and RAM of the firmware on the emulated microcontroller, against its budget
	@$(PY) -m mcu size

instructions: $(READY)  ## instructions of what people wait for, against their budget
	@$(PY) -m mcu instructions

performance: $(READY)  ## measure both, make that the budget, write docs/performance.md
	@$(PY) -m mcu performance

coverage: $(READY)  ## lines of the firmware that the tests run, measured inside MicroPython
	@$(PY) -m coverage_mpy

firmware: $(READY)  ## an ESP32 image: BOARD=SY_... KEY=release.pem or DEV=1 MICROPYTHON_DIR=/path, ESP-IDF's export.sh sourced
	@$(PY) tools/firmware.py "$(BOARD)" $(if $(KEY),--key "$(KEY)") $(if $(DEV),--dev) $(if $(HARDENED),--hardened) \
	  $(if $(ACTIVATION),--activation "$(ACTIVATION)") $(if $(MODULES),--modules "$(MODULES)")

board: $(READY) $(STUBS)  ## a folder for a new board: BOARD=SY_... TARGET=esp32s3 FLASH=8 PSRAM=none
	@$(PY) -m new_board "$(BOARD)" --target $(or $(TARGET),esp32s3) --flash $(or $(FLASH),8) --psram $(or $(PSRAM),none)

check-board: $(READY) $(STUBS)  ## whether a board's files fit together: BOARD=SY_...
	@$(PY) -m new_board "$(BOARD)" --check

lint: $(READY) $(STUBS)  ## style, imports between parts, types against the ESP32 stubs, all targets compile
	@$(PY) tools/lint.py

bench: $(READY)  ## flash wear, codec and DES beside their peers; bus bytes and loop gaps of the drivers
	@PYTHONPATH=tools:host_tests $(PY) -m bench

gallery: $(READY)  ## every screen and receipt of a day on all boards, as a page of pictures
	@PYTHONPATH=tools $(PY) tools/gallery.py

image: $(READY)  ## a flashable file, without ESP-IDF: BOARD=... BASE=micropython.bin [BUNDLE=...] [KEY=...]
	@$(PY) -m flashing image --board "$(BOARD)" --base "$(BASE)" $(if $(BUNDLE),--bundle "$(BUNDLE)") \
	  $(if $(KEY),--key "$(KEY)") $(if $(BOOTLOADER),--bootloader "$(BOOTLOADER)") $(if $(VERSION),--version "$(VERSION)")

flash: $(READY)  ## write an image onto a board: PORT=... BOARD=... [IMAGE=...] [ERASE=1: first flash]
	@$(PY) -m flashing flash --port "$(PORT)" --board "$(BOARD)" $(if $(IMAGE),--image "$(IMAGE)") \
	  $(if $(ERASE),--erase "$(ERASE)") $(FLAGS)

deploy: $(READY)  ## a bundle or files onto a development board: PORT=... BUNDLE=... [SLOT=...] or FILES="..." [TO=/flash/lib]
	@$(PY) -m flashing deploy --port "$(PORT)" $(if $(BUNDLE),--bundle "$(BUNDLE)") $(if $(SLOT),--slot "$(SLOT)") \
	  $(if $(TO),--to "$(TO)") $(if $(FILES),--files $(FILES))
bundle: $(READY)  ## the firmware of a board for its bundle slot, signed: BOARD=SY_... KEY=release.pem DEV=1 ARCH=... COUNTER=...
	@$(PY) -m bundle make "$(BOARD)" $(if $(KEY),--key "$(KEY)") $(if $(DEV),--dev) $(if $(ARCH),--arch $(ARCH)) $(if $(COUNTER),--counter $(COUNTER))

keys: $(READY)  ## a key that signs bundles: OUT=release.pem, without it the development key in build/keys
	@$(PY) -m bundle keys $(if $(OUT),--out "$(OUT)")

technician: $(READY)  ## write docs/technician.md anew: a session of the technician's tool with the simulated terminal
	@$(PY) tools/technician_page.py

font: $(READY)  ## make firmware/assets/font16.bin again (fetches GNU Unifont with npm)
	@$(PY) tools/make_font.py

clean:  ## remove what the other targets made
	rm -rf $(VENV) build out

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
