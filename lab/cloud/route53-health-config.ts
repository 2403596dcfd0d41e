// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * The settings of a health check: defaults, what fits which type, and what an update may change. Refuses with InvalidInput,
 * naming field and expectation. Keeps nothing.
 */
import { BlockList, isIP } from "node:net";
import type { HealthCheckConfig, HealthCheckType } from "./route53-health.ts";
import { invalidInput } from "./route53-records.ts";

export const CHECKER_REGIONS = [
  "us-east-1",
  "us-west-1",
  "us-west-2",
  "eu-west-1",
  "ap-southeast-1",
  "ap-southeast-2",
  "ap-northeast-1",
  "sa-east-1",
];
const TYPES = ["HTTP", "HTTPS", "HTTP_STR_MATCH", "HTTPS_STR_MATCH", "TCP", "CALCULATED", "CLOUDWATCH_METRIC"];
const ENDPOINT_MEMBERS = [
  "IPAddress",
  "Port",
  "ResourcePath",
  "FullyQualifiedDomainName",
  "SearchString",
  "RequestInterval",
  "FailureThreshold",
  "MeasureLatency",
  "EnableSNI",
  "Regions",
] as const;
const MAX_CHILDREN = 255;
const RESETTABLE = ["FullyQualifiedDomainName", "Regions", "ResourcePath", "ChildHealthChecks"];

/** Ranges no checker reaches on AWS. Loopback is left out: it is the lab's public network. */
const UNREACHABLE = new BlockList();
for (const [net, bits] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
] as const)
  UNREACHABLE.addSubnet(net, bits, "ipv4");
UNREACHABLE.addSubnet("fc00::", 7, "ipv6");
UNREACHABLE.addSubnet("fe80::", 10, "ipv6");
UNREACHABLE.addSubnet("ff00::", 8, "ipv6");

const invalidParameter = (message: string) => invalidInput(`Invalid parameter : ${message}`);

export const isEndpointType = (type: HealthCheckType) => type !== "CALCULATED" && type !== "CLOUDWATCH_METRIC";

/** A new health check's settings, complete. */
export function configFrom(given: any): HealthCheckConfig {
  const type: string = given?.Type;
  if (type === "RECOVERY_CONTROL")
    throw invalidInput("The lab has no routing controls: a health check of type RECOVERY_CONTROL cannot be made.");
  if (!TYPES.includes(type)) throw invalidParameter(`Type ${type} is not known: ${TYPES.join(", ")} or RECOVERY_CONTROL.`);
  if (given.RoutingControlArn) throw invalidParameter("RoutingControlArn belongs to RECOVERY_CONTROL health checks only.");
  const config = { ...given, Inverted: given.Inverted ?? false, Disabled: given.Disabled ?? false } as HealthCheckConfig;
  const check = isEndpointType(config.Type) ? checkEndpoint : config.Type === "CALCULATED" ? checkCalculated : checkMetric;
  check(config);
  if (!isEndpointType(config.Type)) return config;
  const http = config.Type.startsWith("HTTP");
  return {
    ...config,
    Port: config.Port ?? (config.Type.startsWith("HTTPS") ? 443 : 80),
    RequestInterval: config.RequestInterval ?? 30,
    FailureThreshold: config.FailureThreshold ?? 3,
    MeasureLatency: config.MeasureLatency ?? false,
    ...(http ? { EnableSNI: config.EnableSNI ?? config.Type.startsWith("HTTPS") } : {}),
  };
}

/** The settings after an UpdateHealthCheck, as whole as new ones. Type, interval and latency have no place in the request. */
export function updatedConfig(before: HealthCheckConfig, input: any): HealthCheckConfig {
  if (isEndpointType(before.Type) && before.IPAddress === undefined && input.IPAddress !== undefined)
    throw invalidParameter("An IPAddress cannot be added to a health check that was made without one.");
  const { HealthCheckId: _id, HealthCheckVersion: _version, ResetElements, ...changed } = input;
  const merged: any = { ...before, ...Object.fromEntries(Object.entries(changed).filter(([, value]) => value !== undefined)) };
  for (const element of ResetElements ?? []) {
    if (!RESETTABLE.includes(element)) throw invalidParameter(`ResetElements ${element} is not known: ${RESETTABLE.join(", ")}.`);
    delete merged[element];
  }
  return configFrom(merged);
}

function checkEndpoint(config: HealthCheckConfig): void {
  const { Type, IPAddress, Port, FullyQualifiedDomainName: host, RequestInterval, FailureThreshold, SearchString, Regions } = config;
  if (config.AlarmIdentifier) throw invalidParameter("Basic health checks must not have an metric region specified.");
  if (config.InsufficientDataHealthStatus)
    throw invalidParameter("Basic health checks must not have an insufficient data health status specified.");
  if (config.ChildHealthChecks?.length) throw invalidParameter("Basic health checks must not have child health checks specified.");
  if (config.HealthThreshold !== undefined) throw invalidParameter("Basic health checks must not have a health threshold specified.");
  if (IPAddress === undefined && !host) throw invalidParameter("Either an IPAddress or a FullyQualifiedDomainName must be specified.");
  if (IPAddress !== undefined) checkAddress(IPAddress);
  if (host !== undefined && host.length > 255) throw invalidParameter("FullyQualifiedDomainName must have at most 255 characters.");
  if (Port !== undefined && !isWhole(Port, 1, 65_535)) throw invalidParameter(`Port ${Port} must be from 1 to 65535.`);
  if (Type === "TCP" && Port === undefined) throw invalidParameter("TCP health checks must have a port specified.");
  if (Type === "TCP" && config.ResourcePath) throw invalidParameter("TCP health checks must not have a resource path specified.");
  if (RequestInterval !== undefined && ![10, 30].includes(RequestInterval))
    throw invalidParameter(`RequestInterval ${RequestInterval} must be 10 or 30.`);
  if (FailureThreshold !== undefined && !isWhole(FailureThreshold, 1, 10))
    throw invalidParameter(`FailureThreshold ${FailureThreshold} must be from 1 to 10.`);
  const matches = Type.endsWith("_STR_MATCH");
  if (matches && !SearchString) throw invalidParameter(`${Type} health checks must have a search string specified.`);
  if (!matches && SearchString) throw invalidParameter(`${Type} health checks must not have a search string specified.`);
  if (SearchString && SearchString.length > 255) throw invalidParameter("SearchString must have at most 255 characters.");
  if (Regions && Regions.length < 3) throw invalidParameter("Regions must name at least three regions.");
  const unknown = Regions?.find((region) => !CHECKER_REGIONS.includes(region));
  if (unknown) throw invalidParameter(`Regions ${unknown} has no health checkers: ${CHECKER_REGIONS.join(", ")}.`);
}

function checkAddress(address: string): void {
  const family = isIP(address);
  if (family === 0) throw invalidParameter(`IPAddress ${address} is neither an IPv4 nor an IPv6 address.`);
  if (UNREACHABLE.check(address, family === 4 ? "ipv4" : "ipv6"))
    throw invalidParameter(`IPAddress ${address} is in a local, private, non-routable or multicast range: no health checker reaches it.`);
}

function checkCalculated(config: HealthCheckConfig): void {
  noEndpointMembers(config, "Calculated");
  if (config.AlarmIdentifier) throw invalidParameter("Calculated health checks must not have an metric region specified.");
  if (config.HealthThreshold === undefined) throw invalidParameter("Calculated health checks must have a health threshold specified.");
  if (!isWhole(config.HealthThreshold, 0, 256)) throw invalidParameter(`HealthThreshold ${config.HealthThreshold} must be from 0 to 256.`);
  const children = config.ChildHealthChecks ?? [];
  if (children.length > MAX_CHILDREN)
    throw invalidParameter(`Calculated health checks may have at most ${MAX_CHILDREN} child health checks.`);
  if (new Set(children).size < children.length) throw invalidParameter("ChildHealthChecks must name each health check once.");
}

function checkMetric(config: HealthCheckConfig): void {
  noEndpointMembers(config, "Metric");
  const { AlarmIdentifier: alarm, InsufficientDataHealthStatus: insufficient } = config;
  if (config.ChildHealthChecks?.length || config.HealthThreshold !== undefined)
    throw invalidParameter("Metric health checks must not have child health checks or a health threshold specified.");
  if (!alarm?.Name || !alarm.Region) throw invalidParameter("Metric health checks must have an alarm's region and name specified.");
  if (insufficient !== undefined && !["Healthy", "Unhealthy", "LastKnownStatus"].includes(insufficient))
    throw invalidParameter(`InsufficientDataHealthStatus ${insufficient} must be Healthy, Unhealthy or LastKnownStatus.`);
}

function noEndpointMembers(config: HealthCheckConfig, kind: string): void {
  const found = ENDPOINT_MEMBERS.find((member) => config[member] !== undefined);
  if (found) throw invalidParameter(`${kind} health checks must not have ${found} specified.`);
}

const isWhole = (value: number, least: number, most: number) => Number.isInteger(value) && value >= least && value <= most;
