# syntax=docker/dockerfile:1
# One image for both processes. `docker compose` runs the API and the worker from it; the worker overrides the command.

FROM node:24-bookworm-slim AS build
WORKDIR /workspace
ENV CI=true NX_DAEMON=false
# The lockfile alone first: as long as it is unchanged, the layer with the downloaded packages is reused.
COPY pnpm-workspace.yaml pnpm-lock.yaml ./
RUN npx -y pnpm@12.21.0 fetch
COPY . .
RUN npx -y pnpm@12.21.0 install --frozen-lockfile --offline
RUN node_modules/.bin/nx run-many -t build --exclude=@promptsales/simulated-provider

FROM build AS production
# A self-contained folder for each process: its own dist, its production packages, and the workspace packages it uses.
RUN npx -y pnpm@12.21.0 --filter @promptsales/api deploy --prod --legacy /deploy/api \
 && npx -y pnpm@12.21.0 --filter @promptsales/worker deploy --prod --legacy /deploy/worker

FROM node:24-bookworm-slim
ENV NODE_ENV=production HOST=0.0.0.0
WORKDIR /app
COPY --from=production --chown=root:root /deploy /app
# Files that expire are kept here unless TEMP_STORE_URL says otherwise.
RUN mkdir -p /app/.local/temp && chown -R node:node /app/.local
USER node
EXPOSE 3000 3001
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=40s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 3000}/health/live`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "api/dist/main.js"]
