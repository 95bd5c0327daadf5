"""Moves a guest between two QEMUs by QMP alone, the least that a script can do, and prints total and downtime in milliseconds: one line a round."""
import json
import os
import socket
import subprocess
import sys
import time


class Monitor:
    def __init__(self, path):
        deadline = time.monotonic() + 60
        while True:
            self.socket = socket.socket(socket.AF_UNIX)
            try:
                self.socket.connect(path)
                break
            except OSError:
                self.socket.close()
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.005)
        self.file = self.socket.makefile("rwb", buffering=0)
        self.lines = self.socket.makefile("rb")
        self.events = {}
        json.loads(self.lines.readline())
        self.call("qmp_capabilities")

    def call(self, command, **arguments):
        self.file.write(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
        while True:
            message = json.loads(self.lines.readline())
            if "event" in message:
                self.note(message)
            elif "error" in message:
                raise RuntimeError(f"{command}: {message['error']['desc']}")
            else:
                return message["return"]

    def note(self, message):
        stamp = message["timestamp"]
        self.events[message["event"]] = stamp["seconds"] * 1000 + stamp["microseconds"] / 1000

    def wait(self, event):
        while event not in self.events:
            self.note(json.loads(self.lines.readline()))
        return self.events[event]


def start(qemu, directory, name, memory, incoming):
    disk = os.path.join(directory, "disk.raw")
    with open(disk, "ab") as file:
        file.truncate(1 << 20)
    path = os.path.join(directory, name + ".sock")
    arguments = [qemu, "-machine", "pc", "-accel", "tcg,tb-size=32", "-m", memory, "-S", "-nodefaults", "-no-user-config", "-display", "none",
                 "-drive", f"file={disk},format=raw,if=virtio", "-qmp", f"unix:{path},server=on,wait=off"]
    process = subprocess.Popen(arguments + (["-incoming", "defer"] if incoming else []))
    return process, Monitor(path)


def main(qemu, directory, memory, rounds):
    for number in range(rounds):
        source, sender = start(qemu, directory, f"source{number}", memory, False)
        sender.call("cont")
        time.sleep(1)
        begin = time.monotonic()
        target, receiver = start(qemu, directory, f"target{number}", memory, True)
        uri = f"unix:{directory}/move{number}.sock"
        receiver.call("migrate-incoming", uri=uri)
        sender.events.clear()
        receiver.events.clear()
        sender.call("migrate-set-parameters", **{"downtime-limit": 300, "max-bandwidth": 1 << 40})
        sender.call("migrate", uri=uri)
        while True:
            status = sender.call("query-migrate").get("status")
            if status == "completed":
                break
            if status == "failed":
                raise RuntimeError("the migration failed")
            time.sleep(0.02)
        while receiver.call("query-status")["status"] != "paused":
            time.sleep(0.01)
        receiver.call("cont")
        total = (time.monotonic() - begin) * 1000
        print(f"{total:.1f} {receiver.wait('RESUME') - sender.wait('STOP'):.1f}", flush=True)
        for process in (source, target):
            process.kill()
            process.wait()


main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
