# Node runs the TypeScript sources as they are, so there is no build: only the dependencies are installed.
FROM node:24-slim AS dependencies
WORKDIR /app
# .npmrc keeps ONNX Runtime from fetching CUDA libraries.
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --no-audit --no-fund

FROM node:24-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json ./
COPY schemas ./schemas
COPY lib ./lib
COPY services ./services
USER node
EXPOSE 8080
CMD ["node", "services/featurizer/main.ts"]
