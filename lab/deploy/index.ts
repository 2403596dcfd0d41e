/** Deploying into the lab: what others may use of this folder. */
export { readPackage, type ServerlessPackage } from "./package.ts";
export { type Deployed, type Deployment, deployStack, type StackRecord, stacksOf } from "./stack.ts";
