# make book   build the live book into _build/html
# make pdf    the whole book as _build/book.pdf, printed by Chromium
# make test   run every test
# Each creates the environment in .venv first; PYTHON=python3.12 chooses another interpreter.

PYTHON ?= python3
CHROMIUM ?= $(firstword $(foreach name,chromium chromium-browser google-chrome,$(shell command -v $(name))))
BIN := .venv/bin
TORCH := $(shell sed -n 's/.*"torch==\([0-9.]*\)".*/\1/p' pyproject.toml)

.PHONY: book pdf test notebooks clean

book: .venv/installed
	$(BIN)/jupyter-book build book/ -W --keep-going --all
	@echo "Open _build/html/index.html in a browser."

pdf: .venv/installed
	$(BIN)/jupyter-book build book/ -W --keep-going --all --builder singlehtml
	$(CHROMIUM) --headless --no-sandbox --disable-gpu --virtual-time-budget=20000 \
		--no-pdf-header-footer --print-to-pdf=_build/book.pdf file://$(CURDIR)/_build/singlehtml/intro.html

# One thread a process: two test processes, and the kernels that they start, keep two cores busy;
# with a third the same work took nearly a fifth longer. What the chapters store is compared with
# the book that the tests build; nbval itself on one of them.
test: .venv/installed
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder \
		--nbval --nbval-current-env --nbval-sanitize-with tests/nbval.cfg \
		tests thesis_nb/01*.ipynb

# Run the chapters on their default parameters and store the outputs, which `make test` compares
# with those of the book that it builds.
notebooks: .venv/installed
	cd thesis_nb && for chapter in *.ipynb; do ../$(BIN)/jupyter execute --inplace $$chapter || exit; done

clean:
	rm -rf _build runs .venv

# The CPU build of torch first, so that nothing pulls CUDA packages: as a local or configured
# wheel, else from PyTorch's own index; on macOS the plain build is the CPU build.
.venv/installed: pyproject.toml
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'Python 3.11 or newer is needed')"
	$(PYTHON) -m venv .venv
ifeq ($(shell uname),Linux)
	$(BIN)/python -m pip install --quiet torch==$(TORCH)+cpu || \
		$(BIN)/python -m pip install --quiet torch==$(TORCH)+cpu \
		--index-url https://download.pytorch.org/whl/cpu
endif
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	touch $@
