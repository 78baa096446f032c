/**
 * The client of Genesis: hand a goal to a server, get back a plan whose every task has an agent, a cost and a reason.
 *
 * Messages and services as generated are in `@genesis-orchestrator/client/gen/…`.
 */
export { connect, VERSION, type ConnectOptions, type GenesisClient, type Pem } from "./connect.js";
export { GenesisError, type FieldViolation, type StatusName } from "./errors.js";
export { DEFAULT_RETRY, type Retry } from "./retry.js";
export { agentSignature, type SignedCall } from "./signing.js";
export { json, value } from "./values.js";
export { Decline, Reference, TaskContext, TaskFailed } from "./worker/task.js";
export { Worker, type Log, type SkillFunction, type SkillOptions, type WorkerOptions } from "./worker/worker.js";
