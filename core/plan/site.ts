/** The form of one site in the plan: an application that moves to the recovery region as a whole. What it must hold beyond is in check-site.ts. */
import * as z from "zod/mini";
import { databaseKey, described, dnsName, hostedZone, matching, options, region, section, whole } from "./forms.ts";

const functionArn = matching(
  /^arn:[\w-]+:lambda:[a-z0-9-]+:\d{12}:function:[\w-]+(:[\w$-]+)?$/,
  'expected the ARN of a Lambda function, like "arn:aws:lambda:eu-west-1:111122223333:function:before-evacuation"',
);

export const site = section({
  name: described(databaseKey, "What people call it: npm run understudy -- evacuate NAME."),
  databases: described(
    z.array(databaseKey, { error: "expected a list of databases, by their names in this plan" }),
    "The databases that move with it. Each needs a standby in the recovery region.",
  ),
  recovery: described(
    section({
      group: described(
        matching(/^[^\s:/]{1,255}$/, "expected the name of an Auto Scaling group"),
        "The Auto Scaling group that serves the site there.",
      ),
      region: described(region, "Its region: the plan's recovery region."),
      capacity: described(whole(1, 1000, " of instances"), "How many instances the site needs; a group that has more keeps them."),
      minHealthyPercent: z.optional(
        described(
          whole(1, 100, " of percent"),
          "So much of the capacity must be in service and healthy before traffic is sent there (100).",
        ),
      ),
      targetGroupArn: z.optional(
        described(
          matching(
            /^arn:[\w-]+:elasticloadbalancing:[a-z0-9-]+:\d{12}:targetgroup\/[\w-]{1,32}\/[0-9a-f]{16}$/,
            'expected the ARN of a target group, like "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/0123456789abcdef"',
          ),
          "Its load balancer's target group: with it, healthy means what the load balancer's own checks find.",
        ),
      ),
      lowerAfterMinutes: z.optional(
        described(whole(0, 1440, " of minutes"), "How long after a return the group keeps its size, for clients with old answers (10)."),
      ),
    }),
    "Where it runs after an evacuation.",
  ),
  records: described(
    z
      .array(
        section({
          name: described(dnsName("www.shop.example"), "The name the site's visitors use: a CNAME, not the zone's own name."),
          zone: described(hostedZone, "The hosted zone that holds it."),
          ttlSeconds: described(whole(1, 300, " of seconds"), "How long visitors may keep an answer."),
          primary: described(
            dnsName("web-1.eu-central-1.elb.amazonaws.com"),
            "Where it leads usually: the load balancer of the primary region.",
          ),
          recovery: described(dnsName("web-2.eu-west-1.elb.amazonaws.com"), "Where it leads after an evacuation."),
        }),
        { error: "expected a list of DNS records" },
      )
      .check(z.minLength(1, { error: "expected at least one DNS record" })),
    "The site's own names. All are changed in one batch, as weighted records.",
  ),
  dial: options({
    steps: described(
      z.array(whole(1, 100, " of percent")).check(z.minLength(1, { error: "expected at least one step" })),
      "Shares of the visitors that are sent to the recovery region, one after the other ([10, 50, 100]).",
    ),
    secondsBetween: described(whole(0, 3600, " of seconds"), "How long each step is watched before the next (60)."),
  }),
  cdn: options({
    distributionId: described(
      matching(/^E[0-9A-Z]{5,20}$/, 'expected the id of a CloudFront distribution, like "E1A2B3C4D5E6F7"'),
      "Which distribution.",
    ),
    paths: described(
      z.array(matching(/^\/\S*$/, 'expected a path, like "/*"')).check(z.minLength(1, { error: "expected at least one path" })),
      "What is purged from it once the dial has been turned.",
    ),
  }),
  hooks: options({
    before: z.optional(described(functionArn, 'Called before anything is done. If it fails or answers {"ok": false}, nothing is done.')),
    after: z.optional(described(functionArn, "Called when all is done. What it answers is told and stops nothing.")),
  }),
});

export type SitePlan = z.infer<typeof site>;
