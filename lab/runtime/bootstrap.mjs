/**
 * The runtime client inside a function's process: fetches the next event from the Runtime API, runs the handler, posts the answer.
 * Speaks Lambda's contract (environment and Runtime API) and nothing else; knows nothing of the lab.
 */
import { existsSync } from "node:fs";
import http from "node:http";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
let current = null;

function request(method, path, body, headers = {}) {
  return new Promise((resolve, reject) => {
    const sent = http.request({ host, port, method, path: `/2018-06-01/runtime${path}`, agent, headers }, (answer) => {
      const chunks = [];
      answer.on("data", (chunk) => chunks.push(chunk));
      answer.on("end", () => resolve({ headers: answer.headers, body: Buffer.concat(chunks).toString("utf8") }));
      answer.on("error", reject);
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

function described(error, type) {
  if (!(error instanceof Error)) return { errorType: type ?? typeof error, errorMessage: String(error), stackTrace: [] };
  return {
    errorType: type ?? error.name,
    errorMessage: error.message,
    stackTrace: (error.stack ?? "")
      .split("\n")
      .slice(1)
      .map((line) => line.trim()),
  };
}

function post(path, error) {
  return request("POST", path, JSON.stringify(error), {
    "content-type": "application/json",
    "lambda-runtime-function-error-type": error.errorType,
  });
}

class LoadError extends Error {
  constructor(type, message) {
    super(message);
    this.name = type;
  }
}

async function loadHandler() {
  const wanted = process.env._HANDLER;
  const parts = /^(.*\/)?([^/.]+)\.(.+)$/.exec(wanted);
  if (!parts) throw new LoadError("Runtime.MalformedHandlerName", `Bad handler "${wanted}": expected "folder/file.export".`);
  const [, folder = "", file, name] = parts;
  const base = join(process.env.LAMBDA_TASK_ROOT, folder, file);
  const path = [".js", ".mjs", ".cjs"].map((ending) => base + ending).find((candidate) => existsSync(candidate));
  if (!path) throw new LoadError("Runtime.ImportModuleError", `Error: Cannot find module '${folder}${file}' in the package.`);
  let handler = await import(pathToFileURL(path).href);
  for (const step of name.split(".")) handler = handler?.[step];
  if (typeof handler !== "function") throw new LoadError("Runtime.HandlerNotFound", `${wanted} is undefined or not exported`);
  if (handler.length >= 3)
    throw new LoadError("Runtime.CallbackHandlerDeprecated", `${wanted} takes a callback; nodejs24.x runs async handlers only.`);
  return handler;
}

function contextFrom(headers) {
  const deadline = Number(headers["lambda-runtime-deadline-ms"]);
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    invokedFunctionArn: headers["lambda-runtime-invoked-function-arn"],
    awsRequestId: headers["lambda-runtime-aws-request-id"],
    // By the monotonic clock: a function whose Date is wrong still has the time Lambda gives it.
    getRemainingTimeInMillis: () => Math.max(0, deadline - (performance.timeOrigin + performance.now())),
  };
}

// Who prints to nobody has lost its lab. Without this the broken pipe is an exception whose report breaks the pipe again, for ever.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => process.exit(0));

async function dieOf(error, type, code) {
  console.error(error);
  const path = current ? `/invocation/${current}/error` : "/init/error";
  await post(path, described(error, type)).catch(() => {});
  process.exit(code);
}

process.on("uncaughtException", (error) => void dieOf(error, undefined, 129));
process.on("unhandledRejection", (error) => void dieOf(error, "Runtime.UnhandledPromiseRejection", 128));

let handler;
try {
  handler = await loadHandler();
} catch (error) {
  console.error(error);
  await post("/init/error", described(error)).catch(() => {});
  process.exit(1);
}

for (;;) {
  let next;
  try {
    next = await request("GET", "/invocation/next");
  } catch {
    process.exit(0);
  }
  current = next.headers["lambda-runtime-aws-request-id"];
  let answer;
  try {
    answer = { body: JSON.stringify(await handler(JSON.parse(next.body), contextFrom(next.headers))) ?? "null" };
  } catch (error) {
    console.error(error);
    answer = { error: described(error) };
  }
  try {
    if (answer.error) await post(`/invocation/${current}/error`, answer.error);
    else await request("POST", `/invocation/${current}/response`, answer.body, { "content-type": "application/json" });
  } catch {
    process.exit(0);
  }
  current = null;
}
