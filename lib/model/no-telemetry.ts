/**
 * ONNX Runtime 1.30 reports model names and hashes to its makers unless this variable is set before its library is
 * loaded. Import this first, on the main thread: worker threads have a copy of the environment that the library can't see.
 */
process.env.ORT_DISABLE_TELEMETRY = "1";
