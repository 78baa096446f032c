// A worker: it joins as an agent, does one skill, and leaves when it is told to stop (Ctrl-C, SIGTERM).
// GENESIS_TARGET, GENESIS_AGENT_ID, GENESIS_SKILL and, where the server wants one, GENESIS_AGENT_KEY say where and as whom.
import { Worker } from "../src/index.js";

const {
  GENESIS_TARGET: target = "127.0.0.1:50051",
  GENESIS_AGENT_ID: agent = "typescript-greeter",
  GENESIS_SKILL: skill = "example.greet",
  GENESIS_AGENT_KEY: agentKey,
} = process.env;

const worker = new Worker(agent, { description: "Greets, in TypeScript." });

worker.skill(skill, { description: "Greet somebody", outputs: [{ name: "greeting", type: "text" }] }, (task) => {
  task.progress(0.5, "thinking of words");
  return `Hello from TypeScript, about: ${task.goal}`;
});

await worker.run(target, agentKey === undefined ? {} : { agentKey });
