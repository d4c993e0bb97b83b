# syntax=docker/dockerfile:1
# Two images: base, and pdf with Chromium for PDF. docs/install.md says how to run them.

FROM python:3.13-slim AS build
WORKDIR /source
COPY requirements/runtime.txt requirements/runtime.txt
# pins carry hashes: nothing is installed that nobody has seen before
RUN python -m venv /opt/meshlab \
 && /opt/meshlab/bin/pip install --no-cache-dir --require-hashes --requirement requirements/runtime.txt
COPY . .
RUN /opt/meshlab/bin/pip install --no-cache-dir --no-deps --no-build-isolation . \
 && /opt/meshlab/bin/pip uninstall --yes hatchling pip

FROM python:3.13-slim AS base
COPY --from=build /opt/meshlab /opt/meshlab
# caches of libraries go where a read-only root leaves room
ENV PATH=/opt/meshlab/bin:$PATH \
    HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1
RUN useradd --uid 65532 --no-create-home --shell /usr/sbin/nologin meshlab
WORKDIR /work
USER 65532:65532
ENTRYPOINT ["meshlab"]
CMD ["--help"]

FROM base AS pdf
USER 0
# the release of Debian decides which Chromium there is; it draws our own pages and reaches no network
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends chromium fonts-dejavu-core \
 && rm -rf /var/lib/apt/lists/*
ENV BROWSER_PATH=/usr/bin/chromium
USER 65532:65532
