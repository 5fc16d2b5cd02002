/**
 * The install script of onnxruntime-node downloads 300 MB of CUDA libraries, which nothing here loads: the CPU's library
 * is in the package. Its switches are environment variables and npm settings that npm does not know and warns of, and
 * npm 10 cannot leave out one package's script. Its first act is to call this function of `global-agent`, which nothing
 * else here depends on.
 */
exports.bootstrap = () => process.exit(0);
