# A small image of the service. It must build with BuildKit and with the classic builder, so it uses no mounts
# and no here-documents.

# The version of dashboard/.nvmrc.
FROM node:20.20.2-bookworm-slim AS dashboard
WORKDIR /src/dashboard
COPY dashboard/package.json dashboard/package-lock.json ./
RUN npm ci --no-audit --no-fund
# The types of the requests come from the document of the interface.
COPY docs/openapi.json /src/docs/openapi.json
COPY dashboard ./
RUN npm run build

# This stage contains only the files that determine the build of the libraries. A change of the service's code
# does not change it, so the layer with the built libraries stays in the cache.
FROM rust:1.95-bookworm AS manifests
WORKDIR /src
COPY .cargo .cargo
COPY Cargo.toml Cargo.lock ./
COPY crates crates
# Cargo needs a file for every target. An empty program is enough, also for a library.
RUN find crates -type f ! -name Cargo.toml ! -name '*.rs' -delete \
 && find crates -name '*.rs' -exec sh -c 'for file; do echo "fn main() { }" > "$file"; done' _ {} + \
 && find crates -type d -empty -delete

FROM rust:1.95-bookworm AS build
WORKDIR /src
# Build scripts compile C: SQLite, zstd and ring with the compiler, jemalloc with make as well.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates gcc libc6-dev make \
 && rm -rf /var/lib/apt/lists/*
COPY --from=manifests /src ./
RUN cargo build --release --locked --bin device-stats
COPY crates crates
COPY --from=dashboard /src/dashboard/dist dashboard/dist
# Cargo compares modification times, and the real files may be older than the result of the empty ones.
RUN find crates -type f -exec touch {} + \
 && cargo build --release --locked --bin device-stats

FROM debian:bookworm-slim
# A numeric user, so that an orchestrator can verify that it is not root. The folder is for the embedded
# store.
RUN groupadd --gid 10001 device-stats \
 && useradd --uid 10001 --gid device-stats --no-create-home --home-dir /var/lib/device-stats --shell /usr/sbin/nologin \
    device-stats \
 && install -d -o device-stats -g device-stats -m 0750 /var/lib/device-stats
# For TLS to PostgreSQL. Copied, so that this stage needs no network.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /src/target/release/device-stats /usr/local/bin/device-stats
USER 10001:10001
WORKDIR /var/lib/device-stats
VOLUME /var/lib/device-stats
ENV DEVICE_STATS_LISTEN=0.0.0.0:8000
EXPOSE 8000
HEALTHCHECK --interval=5s --timeout=3s --start-period=40s --retries=5 CMD ["device-stats", "health"]
ENTRYPOINT ["device-stats"]
CMD ["serve"]
