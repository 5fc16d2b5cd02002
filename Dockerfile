# Node runs the TypeScript sources as they are, so there is no build: only the dependencies are installed.
FROM node:24-slim AS dependencies
WORKDIR /app
# .npmrc keeps ONNX Runtime from fetching CUDA libraries.
COPY package.json package-lock.json .npmrc ./
# The image has its Node, and ONNX Runtime brings libraries for other systems: 400 MB that nothing here would load.
RUN npm ci --omit=dev --no-audit --no-fund \
  && rm -r node_modules/node node_modules/onnxruntime-node/bin/*/darwin node_modules/onnxruntime-node/bin/*/win32

FROM node:24-slim
# ONNX Runtime's Linux libraries report their use to Microsoft unless told otherwise. kafkajs asks for a timer in the past
# now and then; Node takes it for 1 ms and warns.
ENV NODE_ENV=production ORT_DISABLE_TELEMETRY=1 MALLOC_ARENA_MAX=2 \
    NODE_OPTIONS="--disable-warning=TimeoutNegativeWarning --max-semi-space-size=4"
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json ./
COPY schemas ./schemas
COPY lib ./lib
COPY services ./services
USER node
EXPOSE 8080
CMD ["node", "services/featurizer/main.ts"]
