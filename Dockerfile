# Turnout's image: a build stage with pip, a last one with nothing but Python and the installed packages.
# BASE is pinned by its digest; docs/security.md says how to renew it.
ARG BASE=python:3.12.14-slim-trixie@sha256:78387bc3881b8273120a12ebe6c1ab22b018ccc2c9adf565ae1ac9b536e184ea
FROM ${BASE} AS build
WORKDIR /build
COPY requirements.lock ./
RUN python -m venv /opt/turnout && /opt/turnout/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE catalogue.toml ./
COPY schemas schemas
COPY router router
COPY streams streams
COPY sandbox sandbox
COPY warehouse warehouse
COPY dashboard dashboard
RUN /opt/turnout/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM ${BASE}
RUN useradd --create-home turnout
COPY --from=build /opt/turnout /opt/turnout
COPY catalogue.toml /etc/turnout/catalogue.toml
ENV PATH=/opt/turnout/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    TURNOUT_CATALOGUE=/etc/turnout/catalogue.toml
USER turnout
WORKDIR /home/turnout
STOPSIGNAL SIGTERM
ENTRYPOINT ["turnout"]
CMD ["worker"]
