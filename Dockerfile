# Utsushi for production. The embedded PostgreSQL is not used here: DATABASE_URL and REDIS_URL come from outside.
# Build with `docker compose build`; run by docker-compose.yml.

FROM node:20-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY scripts ./scripts
# Install scripts are never run; scripts/setup.mjs does what is needed of them.
RUN node scripts/setup.mjs
COPY tsconfig.json ./
COPY src ./src
COPY workers ./workers
RUN node scripts/build.mjs

FROM node:20-bookworm-slim
ENV NODE_ENV=production \
    UTSUSHI_DATA_DIR=/data
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --omit=dev --no-audit --no-fund \
 && npm cache clean --force
COPY --from=build /app/dist ./dist
COPY docs ./docs
# A named volume mounted here takes over this owner, so that the unprivileged user can write to it.
RUN mkdir /data && chown node:node /data
USER node
VOLUME /data
EXPOSE 8080
ENTRYPOINT ["node", "dist/cli/main.js"]
CMD ["--help"]
