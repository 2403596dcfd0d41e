/** The dead man's check, in the primary's region: whether each database's backup has begun in time, by RDS's own word. */
import { lookForOverdue, type Overdue } from "../runbooks/overdue.ts";
import { readPlan } from "../runbooks/settings.ts";

export const handler = async (): Promise<Overdue[]> => await lookForOverdue(readPlan(), Date.now());
