"""
Starts a moto server in this process and makes calls with botocore, to moto or to any other endpoint.
Says one line of JSON when it is up; then each line of its input is a call, each line of its output that call's answer,
in the order they finish. Knows nothing of what is right: it carries. Ends with its input.

  in   {"id", "endpoint", "service", "region", "operation", "parameters"}
  out  {"id", "status", "output"} or {"id", "status", "code", "message"} or {"id", "unsent": why botocore did not send it}
"""

import datetime
import json
import logging
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import botocore
import botocore.session
import moto
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError
from moto.server import ThreadedMotoServer

CONFIG = Config(
    parameter_validation=False,  # what is wrong with a request is the server's to say
    retries={"total_max_attempts": 1},  # an error is shown as it comes
    s3={"addressing_style": "path"},
    connect_timeout=5,
    read_timeout=60,
    max_pool_connections=32,
)

session = botocore.session.Session()
clients = {}
making = threading.Lock()
saying = threading.Lock()


def client_of(call):
    key = (call["endpoint"], call["service"], call["region"])
    with making:
        if key not in clients:
            clients[key] = session.create_client(
                call["service"],
                region_name=call["region"],
                endpoint_url=call["endpoint"],
                aws_access_key_id="lab",
                aws_secret_access_key="lab",
                config=CONFIG,
            )
        return clients[key]


def plain(value):
    if isinstance(value, datetime.datetime):
        return {"$time": value.astimezone(datetime.timezone.utc).isoformat()}
    if isinstance(value, (bytes, bytearray)):
        return value.decode("utf-8", "replace")
    if hasattr(value, "read"):
        return value.read().decode("utf-8", "replace")
    raise TypeError(f"no JSON for {type(value)}")


def answer(call):
    try:
        client = client_of(call)
        operation = client.meta.method_to_api_mapping  # snake case to API name
        method = next((name for name, api in operation.items() if api == call["operation"]), None)
        if method is None:
            return {"unsent": f"botocore knows no {call['service']}:{call['operation']}"}
        output = getattr(client, method)(**call["parameters"])
        status = output.pop("ResponseMetadata")["HTTPStatusCode"]
        # A body that streams is read here, where a broken one is still this call's failure.
        return {"status": status, "output": json.loads(json.dumps(output, default=plain))}
    except ClientError as error:
        response = error.response
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        return {"status": status, "code": response["Error"].get("Code"), "message": response["Error"].get("Message")}
    except ResponseParserError:
        return {"status": 500, "code": "NoReadableAnswer", "message": "the answer is not in the service's protocol"}
    except BotoCoreError as error:
        return {"unsent": f"{type(error).__name__}: {error}"}
    except Exception as error:  # noqa: BLE001 - whatever it was, the other side reports it with the call
        return {"unsent": f"{type(error).__name__}: {error}"}


def say(line):
    with saying:
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


def main():
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    say({"moto": f"http://{host}:{port}", "versions": {"moto": moto.__version__, "botocore": botocore.__version__}})
    with ThreadPoolExecutor(max_workers=16) as pool:
        for line in sys.stdin:
            call = json.loads(line)
            pool.submit(lambda call=call: say({"id": call["id"], **answer(call)}))
    server.stop()


main()
