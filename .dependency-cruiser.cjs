/** Who may import whom. `docs/ARCHITECTURE.md` says why. */
const room = (name, vendor, path) => ({
  name,
  severity: "error",
  comment: `${vendor} is imported by ${path} alone, so that it can be replaced there`,
  from: { path: "^(lib|services|cli|stack)/", pathNot: path },
  to: { path: `^node_modules/(${vendor})/`, dependencyTypesNot: ["type-only"] },
});

module.exports = {
  forbidden: [
    {
      name: "no-circular",
      severity: "error",
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    {
      name: "lib-knows-no-service",
      severity: "error",
      from: { path: "^lib/" },
      to: { path: "^(services|cli|stack|test)/" },
    },
    {
      name: "services-are-islands",
      severity: "error",
      comment: "services meet only in schemas/ and lib/",
      from: { path: "^services/([^/]+)/" },
      to: { path: "^(services|cli|stack|test)/", pathNot: "^services/$1/" },
    },
    {
      name: "pca-is-pure",
      severity: "error",
      from: { path: "^services/reducer/pca/" },
      to: { pathNot: "^(services/reducer/pca/|node_modules/ml-matrix/|(node:)?(crypto|os)$)" },
    },
    {
      name: "sqlite-room",
      severity: "error",
      comment: "node:sqlite is imported where a file is locked or records are kept, so that it can be replaced there",
      from: {
        path: "^(lib|services|cli|stack)/",
        pathNot: "^(lib/embedded/record-database|stack/file-lock)\\.ts$",
      },
      to: { path: "^(node:)?sqlite$" },
    },
    room("kafka-room", "kafkajs", "^lib/kafka/"),
    room("s3-room", "@aws-sdk", "^lib/store/s3-[a-z-]+\\.ts$"),
    room("onnx-room", "onnxruntime-node", "^lib/model/onnx-session\\.ts$"),
    room("sharp-room", "sharp", "^(services/featurizer/decode-photo|cli/sample/render-photo)\\.ts$"),
    room("parquet-room", "parquet-wasm", "^lib/table/parquet-file\\.ts$"),
    room("avro-room", "avsc", "^lib/contract/"),
    room("log-room", "pino", "^lib/runtime/logger\\.ts$"),
    room("metrics-room", "prom-client", "^lib/runtime/metrics\\.ts$"),
    room("chart-room", "vega|vega-lite", "^cli/plot/render-svg\\.ts$"),
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "node", "default"] },
  },
};
