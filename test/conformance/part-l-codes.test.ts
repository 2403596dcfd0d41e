/** Part L of the AWS facts, point 2: the wire codes of part A5 with their irregular endings and their HTTP statuses, one by one. */
import { DescribeDBInstancesCommand, RDSClient } from "@aws-sdk/client-rds";
import { expect, test } from "vitest";
import { ServiceError } from "../../lab/wire/errors.ts";
import { labWith } from "../lab/on-the-wire.ts";
import { elsewhere } from "./elsewhere.ts";

/** Codes of instances and snapshots carry no "Fault", those of clusters do, and a few others do as they like. */
const MODELLED: Record<number, string[]> = {
  400: [
    "DBInstanceAlreadyExists",
    "InvalidDBInstanceState",
    "InstanceQuotaExceeded",
    "InsufficientDBInstanceCapacity",
    "StorageQuotaExceeded",
    "DBSubnetGroupDoesNotCoverEnoughAZs",
    "InvalidVPCNetworkStateFault",
    "InvalidSubnet",
    "KMSKeyNotAccessibleFault",
    "StorageTypeNotSupported",
    "VpcEncryptionControlViolationException",
    "DBSnapshotAlreadyExists",
    "InvalidDBSnapshotState",
    "SnapshotQuotaExceeded",
    "SharedSnapshotQuotaExceeded",
    "DBClusterAlreadyExistsFault",
    "InvalidDBClusterStateFault",
    "DBClusterSnapshotAlreadyExistsFault",
    "InvalidDBClusterSnapshotStateFault",
    "InvalidGlobalClusterStateFault",
    "InsufficientStorageClusterCapacity",
    "InvalidRestoreFault",
    "PointInTimeRestoreNotEnabled",
    "DBInstanceAutomatedBackupQuotaExceeded",
    "InvalidDBInstanceAutomatedBackupState",
    "InvalidBlueGreenDeploymentStateFault",
  ],
  403: ["DBClusterQuotaExceededFault", "InsufficientDBClusterCapacityFault"],
  404: [
    "DBInstanceNotFound",
    "DBParameterGroupNotFound",
    "OptionGroupNotFoundFault",
    "DBSubnetGroupNotFoundFault",
    "DBSnapshotNotFound",
    "DBClusterNotFoundFault",
    "DBClusterSnapshotNotFoundFault",
    "GlobalClusterNotFoundFault",
    "DBClusterParameterGroupNotFound",
    "DBInstanceAutomatedBackupNotFound",
    "BlueGreenDeploymentNotFoundFault",
  ],
};

/** Codes the model does not have: the SDK has no class of their own for them. */
const PLAIN: Record<number, string[]> = {
  400: ["InvalidParameterValue", "InvalidParameterCombination", "MissingParameter", "Throttling", "ThrottlingException"],
  403: ["AccessDenied", "ExpiredToken"],
  500: ["InternalFailure"],
};

/** What arrives when the lab's RDS refuses with a code: in the SDK, and as text. */
async function refused(code: string, status?: number) {
  const run = () => {
    throw new ServiceError(code, "words", status);
  };
  const lab = await labWith(() => [{ name: "rds", operations: { DescribeDBInstances: run } }]);
  const error = await new RDSClient(lab.client()).send(new DescribeDBInstancesCommand({})).catch((caught) => caught);
  const authorization = "AWS4-HMAC-SHA256 Credential=k/20261121/eu-central-1/rds/aws4_request, SignedHeaders=host, Signature=0";
  const body = new URLSearchParams({ Action: "DescribeDBInstances", Version: "2014-10-31" });
  const raw = await fetch(lab.wire.url, { method: "POST", headers: { authorization }, body });
  return { error, raw: await raw.text(), type: raw.headers.get("content-type") };
}

const rows = (table: Record<number, string[]>) =>
  Object.entries(table).flatMap(([status, codes]) => codes.map((code) => [code, Number(status)] as const));

test.each(rows(MODELLED))("L.2 %s answers %i under its wire code, and under its shape's name in the SDK", async (code, status) => {
  const { error, raw, type } = await refused(code);
  expect({ Code: error.Code, status: error.$metadata.httpStatusCode, message: error.message }).toEqual({
    Code: code,
    status,
    message: "words",
  });
  expect([code, `${code}Fault`]).toContain(error.name);
  expect(error.constructor.name).toBe(error.name);
  expect(type).toBe("text/xml");
  expect(raw).toMatch(
    new RegExp(`<ErrorResponse.*><Error><Type>Sender</Type><Code>${code}</Code><Message>words</Message></Error><RequestId>`),
  );
});

test.each(rows(PLAIN))("L.2 %s answers %i and is no class of the SDK's", async (code, status) => {
  const { error, raw } = await refused(code, status);
  expect({ name: error.name, Code: error.Code, status: error.$metadata.httpStatusCode }).toEqual({ name: code, Code: code, status });
  expect(error.constructor.name).toBe("RDSServiceException");
  expect(raw).toContain(`<Type>${status >= 500 ? "Receiver" : "Sender"}</Type>`);
});

elsewhere(
  "L.2 thrown by shape or by code",
  "lab/wire.test.ts",
  "a modelled one by its class, whichever of its two names the service threw",
);
elsewhere("L.2 not found is 404, the others 400", "lab/rds.test.ts", "not found answers 404, the others 400");
