/**
 * A CloudWatch alarm in its three shapes: called directly by the alarm, through EventBridge, through an SNS topic
 * (aws-facts part C). One form comes out.
 */
import * as z from "zod/mini";
import type { Envelope } from "./envelope.ts";
import { EventRefused, mustBeOurs, mustBeRecent, type Reading } from "./refused.ts";

export interface AlarmNews {
  readonly kind: "alarm";
  readonly alarm: string;
  readonly state: string;
}

const direct = z.object({
  source: z.literal("aws.cloudwatch"),
  alarmArn: z.string(),
  accountId: z.string(),
  time: z.string(),
  alarmData: z.object({ alarmName: z.string(), state: z.object({ value: z.string() }) }),
});
const onBus = z.object({ alarmName: z.string(), state: z.object({ value: z.string() }) });
const records = z.object({ Records: z.array(z.object({ EventSource: z.literal("aws:sns"), Sns: z.object({ Message: z.string() }) })) });
const message = z.object({ AlarmName: z.string(), AWSAccountId: z.string(), NewStateValue: z.string(), StateChangeTime: z.string() });

/** null when the event is no alarm in any shape. */
export function readAlarm(event: unknown, envelope: Envelope | null, reading: Reading): AlarmNews | null {
  const called = direct.safeParse(event);
  if (called.success) {
    const { alarmData, accountId, time } = called.data;
    return alarm(alarmData.alarmName, alarmData.state.value, accountId, time, reading);
  }
  if (envelope?.source === "aws.cloudwatch" && envelope["detail-type"] === "CloudWatch Alarm State Change") {
    const detail = onBus.safeParse(envelope.detail);
    if (!detail.success)
      throw new EventRefused("MalformedEvent", "A CloudWatch alarm event lacks alarmName or state.value.", "Send it as CloudWatch does.");
    return { kind: "alarm", alarm: detail.data.alarmName, state: detail.data.state.value };
  }
  const sns = records.safeParse(event);
  const [record] = sns.success ? sns.data.Records : [];
  return record ? fromMessage(record.Sns.Message, reading) : null;
}

function fromMessage(text: string, reading: Reading): AlarmNews {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new EventRefused(
      "MalformedEvent",
      `An SNS message is not JSON, so it is no alarm: ${JSON.stringify(text.slice(0, 60))}.`,
      "Subscribe this function to alarm topics only.",
    );
  }
  const parsed = message.safeParse(value);
  if (!parsed.success)
    throw new EventRefused("UnknownEvent", "An SNS message is not a CloudWatch alarm's.", "Subscribe this function to alarm topics only.");
  const { AlarmName, NewStateValue, AWSAccountId, StateChangeTime } = parsed.data;
  return alarm(AlarmName, NewStateValue, AWSAccountId, StateChangeTime, reading);
}

function alarm(name: string, state: string, account: string, time: string, reading: Reading): AlarmNews {
  mustBeOurs(account, reading, `The alarm "${name}"`);
  mustBeRecent(time, reading, `The alarm "${name}"`);
  return { kind: "alarm", alarm: name, state };
}
