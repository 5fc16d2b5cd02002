import { resolve } from "node:path";
import { Command } from "commander";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { Trace } from "#ops/forget/find-traces.ts";
import { forgetPhotos } from "#ops/forget/forget-photos.ts";
import { type ForgetPlace, withForgetDeps } from "#ops/forget/forget-places.ts";
import type { ForgetRequest } from "#ops/forget/forget-request.ts";
import { findPhotos, proveForgotten } from "#ops/forget/prove-forgotten.ts";
import type { Receipt } from "#ops/forget/receipt.ts";
import { TABLE_BY_DEFAULT } from "#ops/services/find-table-uri.ts";
import { cliDeps } from "./cli-deps.ts";
import { EXIT } from "./exit-code.ts";
import { type OutputFlags, print, printJson, withJson } from "./output.ts";

/** `fruitstream forget`: photos and all that came of them go, and nothing brings them back. */
export function forgetCommand(): Command {
  return withJson(new Command("forget"))
    .description("remove photos, with their rows and all that came of them, for good; or prove that they are gone")
    .option("--photo <uri...>", "photos, as in the column path: s3://bucket/key, or file:///path of `local`")
    .option("--prefix <uri...>", "all photos whose URI begins so")
    .option("--owner <id>", "all photos of an owner, for tables with a column owner")
    .option("--dry-run", "count what there is of them, and change nothing", false)
    .option("--allow-later", "photos of these names that are announced from now on are others, and may come", false)
    .option("--purge", "remove files of older versions at once: readers of those versions find them gone", false)
    .option(
      "--receipt <id>",
      "search everywhere for what is left of a receipt's photos; exits with 4 where there is any",
    )
    .option("--table <uri>", `s3://bucket/prefix of the table; ${TABLE_BY_DEFAULT}`)
    .option("--out <folder>", "the output folder of `local`, instead of a pipeline; photos' own files stay")
    .action(runForget);
}

interface ForgetFlags extends OutputFlags {
  readonly photo?: readonly string[];
  readonly prefix?: readonly string[];
  readonly owner?: string;
  readonly dryRun: boolean;
  readonly allowLater: boolean;
  readonly purge: boolean;
  readonly receipt?: string;
  readonly table?: string;
  readonly out?: string;
}

async function runForget(flags: ForgetFlags): Promise<void> {
  const { photo: photos = [], prefix: prefixes = [], receipt, dryRun, purge: isPurge, allowLater } = flags;
  if (flags.owner !== undefined) throw noOwner();
  const place = placeOf(flags);
  if (receipt !== undefined) {
    if (photos.length + prefixes.length > 0) {
      throw new FruitstreamError("usage", "--receipt proves what was forgotten; give it without --photo and --prefix");
    }
    return await prove(receipt, place, flags);
  }
  const request: ForgetRequest = { photos, prefixes, announcedBeforeMs: allowLater ? Date.now() : null };
  if (dryRun) return await lookFor(request, place, flags);
  const done = await withForgetDeps(place, cliDeps, (deps) => forgetPhotos(request, deps, { isPurge }));
  if (flags.json) printJson(done);
  else printReceipt(done, flags);
}

function placeOf({ table, out }: ForgetFlags): ForgetPlace {
  if (out === undefined) return { table };
  if (table === undefined) return { out: resolve(out) };
  throw new FruitstreamError("usage", "--table names a table on S3 and --out one of `local`; give one of them");
}

function noOwner(): FruitstreamError {
  const problem = "this version writes no column owner, so it can't tell whose a photo is";
  return new FruitstreamError("usage", `${problem}; name the photos with --photo, or with --prefix`);
}

async function prove(id: string, place: ForgetPlace, { json }: OutputFlags): Promise<void> {
  const traces: Trace[] = [];
  const receipt = await withForgetDeps(place, cliDeps, (deps) =>
    proveForgotten(id, deps, (trace) => traces.push(trace)),
  );
  if (json) printJson({ receipt: id, state: receipt.state, traces });
  else if (traces.length === 0) print(`nothing is left of what receipt ${id} says`);
  else for (const trace of traces) print(formatTrace(trace));
  if (traces.length > 0) process.exitCode = EXIT.found;
}

async function lookFor(request: ForgetRequest, place: ForgetPlace, { json }: OutputFlags): Promise<void> {
  const traces: Trace[] = [];
  await withForgetDeps(place, cliDeps, (deps) => findPhotos(request, deps, (trace) => traces.push(trace)));
  if (json) return printJson({ traces });
  if (traces.length === 0) print("there is nothing of these photos");
  for (const { place: what, where, count } of traces) print(`${what}: ${where}: ${count}`);
}

function formatTrace({ place, where, count, goneBy }: Trace): string {
  return `${place}: ${where}: ${count}, ${goneBy === null ? "forget the photos again" : `gone by ${goneBy}`}`;
}

function printReceipt({ id, rows, objects, letters, goneBy }: Receipt, { table, out }: ForgetFlags): void {
  print(`receipt       ${id}`);
  print(`objects       ${objects}`);
  print(`rows          ${rows}`);
  print(`dead letters  ${letters}`);
  for (const [place, time] of Object.entries(goneBy)) {
    print(`${place}: ${time === null ? "kept for good, as it is configured" : `gone by ${time}`}`);
  }
  const where = out === undefined ? (table === undefined ? "" : ` --table ${table}`) : ` --out ${out}`;
  print(`to prove it: fruitstream forget --receipt ${id}${where}`);
}
