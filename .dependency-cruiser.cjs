/** Who may import whom. `docs/ARCHITECTURE.md` says why. */
const room = (name, vendor, path) => ({
  name,
  severity: "error",
  comment: `${vendor} is imported by ${path} alone, so that it can be replaced there`,
  from: { path: "^(lib|services|ops|analysis|demo|cli|stack)/", pathNot: path },
  to: { path: `^node_modules/(${vendor})/`, dependencyTypesNot: ["type-only"] },
});

module.exports = {
  forbidden: [
    {
      name: "no-circular",
      severity: "error",
      comment: "circles of types included: files that need each other are one file, or want a third",
      from: {},
      to: { circular: true },
    },
    {
      name: "lib-knows-nobody",
      severity: "error",
      from: { path: "^lib/" },
      to: { path: "^(services|ops|analysis|demo|cli|stack|bench|test)/" },
    },
    {
      name: "services-are-islands",
      severity: "error",
      comment: "services meet only in schemas/ and lib/",
      from: { path: "^services/([^/]+)/" },
      to: { path: "^(services|ops|analysis|demo|cli|stack|bench|test)/", pathNot: "^services/$1/" },
    },
    {
      name: "ops-know-no-terminal",
      severity: "error",
      comment: "operators' work is called from commands, the console and tests alike",
      from: { path: "^(ops|analysis)/" },
      to: { path: "^(cli|demo|bench|test)/" },
    },
    {
      name: "stack-stands-alone",
      severity: "error",
      from: { path: "^stack/" },
      to: { path: "^(services|ops|analysis|demo|cli|bench|test)/" },
    },
    {
      name: "product-knows-no-test",
      severity: "error",
      from: { path: "^(services|ops|analysis|demo|cli)/" },
      to: { path: "^(bench|test)/" },
    },
    {
      name: "pca-is-pure",
      severity: "error",
      comment: "the numerics do no I/O; the kernel is handed in by its port",
      from: { path: "^lib/pca/", pathNot: "^lib/pca/kernel/" },
      to: {
        pathNot: "^(lib/pca/|lib/runtime/(random|little-endian|sealed-bytes)\\.ts$|node_modules/ml-matrix/)",
      },
    },
    {
      name: "sqlite-room",
      severity: "error",
      comment: "node:sqlite is imported where a file is locked or records are kept, so that it can be replaced there",
      from: {
        path: "^(lib|services|ops|analysis|demo|cli|stack)/",
        pathNot: "^(lib/log/folder/record-database|stack/file-lock)\\.ts$",
      },
      to: { path: "^(node:)?sqlite$" },
    },
    room("kafka-room", "kafkajs", "^lib/log/kafka/"),
    room("s3-room", "@aws-sdk", "^lib/store/s3/"),
    room("onnx-room", "onnxruntime-node", "^lib/model/onnx-session\\.ts$"),
    room("sharp-room", "sharp", "^(lib/photo/decode-photo|demo/photos/render-photo|analysis/plot/render-chart)\\.ts$"),
    room("parquet-room", "parquet-wasm", "^lib/table/parquet-file\\.ts$"),
    room("parquet-columns-room", "hyparquet", "^lib/table/read-columns\\.ts$"),
    room("avro-room", "avsc", "^lib/messages/avro/"),
    room("log-room", "pino", "^lib/runtime/logger\\.ts$"),
    room("metrics-room", "prom-client", "^lib/runtime/metrics\\.ts$"),
    room("chart-room", "vega|vega-lite", "^analysis/plot/render-chart\\.ts$"),
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "node", "default"] },
  },
};
