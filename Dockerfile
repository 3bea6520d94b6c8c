# choo with its own Node, git and bubblewrap. docs/deploy.md says how to build and run it.
# An image with Node 24.6 or newer and Debian's packages; bookworm's and later bubblewrap will do.
ARG NODE_IMAGE=docker.io/library/node:24-trixie-slim

FROM ${NODE_IMAGE} AS build
# For networks that inspect TLS: a file with their certificates, mounted while the image is built.
ARG NODE_EXTRA_CA_CERTS
WORKDIR /opt/choo
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund --no-progress --loglevel=error
COPY . .
# One bundle, which starts in half the time; then only what it needs at run time.
RUN node script/bundle.ts >/dev/null \
 && mv node_modules/.cache/choo /tmp/bundles \
 && npm prune --omit=dev --no-audit --no-fund --loglevel=error \
 && mkdir -p node_modules/.cache/choo \
 && mv /tmp/bundles/* node_modules/.cache/choo/image \
 && chmod -R a+rX node_modules/.cache

FROM ${NODE_IMAGE}
# The agents' CLIs, as npm packages: "@anthropic-ai/claude-code@2 @openai/codex". None: another image adds them.
ARG AGENTS=""
ARG NODE_EXTRA_CA_CERTS
RUN apt-get update \
 && apt-get install --yes --no-install-recommends bubblewrap ca-certificates git openssh-client \
 && rm -rf /var/lib/apt/lists/* \
 && if [ -n "$AGENTS" ]; then npm install --global --no-audit --no-fund $AGENTS && npm cache clean --force; fi \
 && groupadd --gid 10001 choo \
 && useradd --uid 10001 --gid choo --home-dir /var/lib/choo --shell /usr/sbin/nologin choo \
 && install --directory --owner=choo --group=choo --mode=0755 /var/lib/choo
COPY --from=build /opt/choo /opt/choo
COPY deploy/choo-in-image /usr/local/bin/choo
USER choo
WORKDIR /var/lib/choo
VOLUME /var/lib/choo
EXPOSE 3000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:3000/healthz').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["choo"]
CMD ["serve", "--host", "0.0.0.0"]
