# The gateway as an image: nothing but Python, the locked packages and the package itself; no root, nothing to write.
# With --build-arg THEME=dsfr it holds the State's design system too, for services of the State alone (docs/pages.md).
ARG THEME=neutral

FROM python:3.13-slim-bookworm AS theme-neutral
RUN mkdir /theme

FROM node:22-bookworm-slim AS theme-dsfr
ARG DSFR_ACCEPT_LICENSE
WORKDIR /src/dsfr
COPY dsfr ./
RUN npm ci --ignore-scripts --no-audit --no-fund && node build.mjs /theme

FROM theme-${THEME} AS theme

FROM python:3.13-slim-bookworm AS build
WORKDIR /src
COPY requirements.lock ./
RUN python -m venv /opt/gateway \
 && /opt/gateway/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY gateway ./gateway
COPY --from=theme /theme ./gateway/web/dsfr
RUN /opt/gateway/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps . \
 && /opt/gateway/bin/python -m compileall -q /opt/gateway/lib

FROM python:3.13-slim-bookworm
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin gateway
COPY --from=build /opt/gateway /opt/gateway
COPY config/gateway.toml /etc/proconnect-gateway/gateway.toml
ENV PATH=/opt/gateway/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    GATEWAY_CONFIG=/etc/proconnect-gateway/gateway.toml
USER gateway
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:9090/alive', timeout=2)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["proconnect-gateway"]
CMD ["run"]
