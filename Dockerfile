# The server as a container. docs/deployment.md tells how to run it.
#
# The base is pinned by tag and digest. A newer one: docker buildx imagetools inspect python:3.13-slim-bookworm
ARG PYTHON_IMAGE=python:3.13.15-slim-bookworm@sha256:2325bb286ec344af3e5898cc224b5844e2707ac6e26b1632516fd3edc84a5e26

FROM ${PYTHON_IMAGE} AS builder

ENV UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_NO_CACHE=1 \
    UV_PROJECT_ENVIRONMENT=/opt/venv \
    UV_PYTHON=python3 \
    UV_PYTHON_DOWNLOADS=never
WORKDIR /src

# uv by the version and hash that the repository pins.
COPY .ci/get_uv.py .ci/package_index.py .ci/
RUN ln -s "$(python3 -B .ci/get_uv.py)" /usr/local/bin/uv

# What Genesis needs is a layer of its own: it changes with the lock only.
RUN --mount=type=bind,source=pyproject.toml,target=/src/pyproject.toml \
    --mount=type=bind,source=uv.lock,target=/src/uv.lock \
    uv sync --locked --no-dev --all-extras --no-install-project

COPY pyproject.toml uv.lock README.md LICENSE ./
COPY client/python/genesis client/python/genesis
COPY server/genesis_server server/genesis_server
RUN uv sync --locked --no-dev --all-extras --no-editable


FROM ${PYTHON_IMAGE} AS runtime

ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Genesis" \
      org.opencontainers.image.description="The control plane of multi-agent systems: plans, routes and validates work over gRPC." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

# Python's own installers go; only the data folder belongs to the server.
RUN rm -rf /usr/local/bin/pip* /usr/local/bin/idle* /usr/local/lib/python3*/site-packages/* /usr/local/lib/python3*/ensurepip \
    && groupadd --gid 10001 genesis \
    && useradd --uid 10001 --gid genesis --no-log-init --no-create-home --home-dir /var/lib/genesis --shell /usr/sbin/nologin genesis \
    && install --directory --owner=genesis --group=genesis --mode=0700 /var/lib/genesis

COPY --from=builder /opt/venv /opt/venv

# Other machines may reach it, so it starts only with credentials set up; probes from inside need none.
ENV PATH=/opt/venv/bin:${PATH} \
    HOME=/var/lib/genesis \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    GENESIS_DATA_DIR=/var/lib/genesis \
    GENESIS_LISTEN=0.0.0.0:50051 \
    GENESIS_HTTP_LISTEN=0.0.0.0:8000 \
    GENESIS_HEALTH_LISTEN=127.0.0.1:50052

USER 10001:10001
WORKDIR /var/lib/genesis
VOLUME /var/lib/genesis
EXPOSE 50051 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 CMD ["genesis", "probe", "health"]
ENTRYPOINT ["genesis"]
CMD ["serve"]
