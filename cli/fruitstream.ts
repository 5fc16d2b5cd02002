#!/usr/bin/env -S node --disable-warning=TimeoutNegativeWarning
import { fruitstreamProgram } from "./program.ts";
import { runProgram } from "./run-program.ts";

await runProgram(fruitstreamProgram());
