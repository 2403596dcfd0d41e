/** The state of everything in one answer, or the evidence of one move: `aws lambda invoke --function-name … out.json`. */
import middy from "@middy/core";
import { type Inquiry, readInquiry } from "../events/inquiry.ts";
import { findEvidence } from "../runbooks/evidence-found.ts";
import { readSettings } from "../runbooks/settings.ts";
import { status } from "../runbooks/status.ts";
import { reads } from "./handler.ts";

export const handler = middy<Inquiry, object>()
  .use(reads(readInquiry))
  .handler(async (asked) =>
    asked.kind === "evidence" ? await findEvidence(readSettings(), asked.database, asked.execution) : await status(readSettings()),
  );
