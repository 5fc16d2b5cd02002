# The image holds what the npm package holds: JavaScript made of the sources, and ONNX Runtime without the libraries for
# other systems.
FROM node:24-slim AS build
WORKDIR /app
# Packages first: they change seldom. Those of packaging/ are named by their folders.
COPY package.json package-lock.json .npmrc ./
COPY packaging ./packaging
RUN npm ci --no-audit --no-fund
COPY . .
RUN npm run prepack && rm -rf dist/node_modules/onnxruntime-node/bin/*/darwin
# Only what is not for development, in place of everything: the image has its Node already.
RUN npm ci --omit=dev --no-audit --no-fund

FROM node:24-slim
# ONNX Runtime's Linux libraries report their use to Microsoft unless told otherwise. kafkajs asks for a timer in the past
# now and then; Node takes it for 1 ms and warns.
ENV NODE_ENV=production ORT_DISABLE_TELEMETRY=1 MALLOC_ARENA_MAX=2 \
    NODE_OPTIONS="--disable-warning=TimeoutNegativeWarning --max-semi-space-size=4"
WORKDIR /app
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./
USER node
EXPOSE 8080
CMD ["node", "services/featurizer/main.js"]
