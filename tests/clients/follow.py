"""Follows a stream as a Python program does: httpx-sse, and a loop around it that comes back with Last-Event-ID.

Prints one JSON line for every event of the types asked for, and for every time it connected.
usage: python follow.py URL TYPE...
"""

import json
import sys
import time

import httpx
from httpx_sse import SSEError, connect_sse


def say(**line):
    print(json.dumps(line), flush=True)


def main():
    url, *types = sys.argv[1:]
    last_event_id = ""
    retry_seconds = 1.0
    # Longer than the time between two heartbeats, as a client would choose it.
    with httpx.Client(timeout=httpx.Timeout(5, read=25)) as client:
        while True:
            headers = {"Last-Event-ID": last_event_id} if last_event_id else {}
            try:
                with connect_sse(client, "GET", url, headers=headers) as source:
                    source.response.raise_for_status()
                    say(opened=True)
                    for event in source.iter_sse():
                        last_event_id = event.id or last_event_id
                        if event.retry is not None:
                            retry_seconds = event.retry / 1000
                        if event.event in types:
                            number = int(event.id.split(".")[0])
                            say(event=event.event, seq=event.json()["seq"], id=event.id, number=number)
                        elif event.event == "message":
                            say(unexpected=event.data)
            except SSEError as error:
                say(gave_up=str(error))
                sys.exit(1)
            except httpx.TransportError:
                pass
            time.sleep(retry_seconds)


main()
