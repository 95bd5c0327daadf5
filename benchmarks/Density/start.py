"""Makes a disk, starts a QEMU on it and lets it go, by QMP alone: the least that a script can do. Prints the milliseconds of each round."""
import json
import os
import socket
import subprocess
import sys
import time


def round_of(directory, number):
    begin = time.monotonic()
    disk = os.path.join(directory, f"disk{number}.qcow2")
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", disk, "8M"], check=True)
    path = os.path.join(directory, f"{number}.sock")
    process = subprocess.Popen([
        "qemu-system-x86_64", "-machine", "pc,hpet=off,vmport=off", "-accel", "tcg,thread=multi,tb-size=32", "-cpu", "max", "-m", "32", "-S", "-nodefaults", "-no-user-config", "-display", "none",
        "-blockdev", json.dumps({"driver": "qcow2", "node-name": "disk0", "file": {"driver": "file", "filename": disk}}), "-device", "virtio-blk-pci,drive=disk0",
        "-object", "rng-builtin,id=rng", "-device", "virtio-rng-pci,rng=rng", "-device", "virtio-balloon-pci",
        "-chardev", "socket,id=serial,path=" + path + ".serial,server=on,wait=off", "-device", "isa-serial,chardev=serial",
        "-chardev", "socket,id=agent,path=" + path + ".agent,server=on,wait=off", "-device", "virtio-serial-pci", "-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0",
        "-qmp", f"unix:{path},server=on,wait=off"])
    monitor = socket.socket(socket.AF_UNIX)
    while True:
        try:
            monitor.connect(path)
            break
        except OSError:
            time.sleep(0.002)
    lines = monitor.makefile("rb")
    json.loads(lines.readline())
    for command in ("qmp_capabilities", "cont"):
        monitor.sendall(json.dumps({"execute": command}).encode() + b"\n")
        while "return" not in json.loads(lines.readline()):
            pass
    taken = (time.monotonic() - begin) * 1000
    process.kill()
    process.wait()
    return taken


for index in range(int(sys.argv[2])):
    print(f"{round_of(sys.argv[1], index):.1f}", flush=True)
