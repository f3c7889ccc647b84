# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""The command: python3 lab/vm."""

import argparse
import json
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import vm  # noqa: E402


def fetch(args):
    names = args.what or list(vm.KERNELS) + ["xen"]
    rows = []
    for name in names:
        if name == "xen":
            package = vm.Extra("xen-hypervisor-4.17-arm64", "arm64", again=args.update)
            rows.append((name, package.version, vm.xen_image()))
            continue
        kernel = vm.Kernel(name, again=args.update)
        kernel.headers  # fetches them
        vm.Extra("busybox-static", kernel.arch, again=args.update)
        rows.append((name, kernel.version, kernel.image))
    if args.json:
        print(json.dumps([dict(zip(("name", "version", "image"), r)) for r in rows], indent=1))
    else:
        for row in rows:
            print("%-11s %-22s %s" % row)


def headers(args):
    directory, arch = vm.find_headers(args.kernel)
    print(directory, arch)


def emulator(args):
    newer = vm.Newer()
    settings = ["%s=%s" % pair for pair in newer.environment().items()]
    print("\n".join(["env"] + settings + newer.argv(args.arch)))


def build(args):
    kernel = vm.Kernel(args.kernel)
    out = args.out or os.path.join(vm.BUILD, "module", os.path.basename(os.path.abspath(args.source)),
                                   kernel.release)
    extra = ["KBUILD_EXTRA_SYMBOLS=" + " ".join(map(os.path.abspath, args.symbols))] if args.symbols else []
    for path in vm.build(kernel, args.source, out, also=args.also, args=extra):
        print(path)


def boot(args):
    script = "\n".join(args.run)
    if args.script:
        with open(args.script) as f:
            script = f.read() + "\n" + script
    files = {}
    for f in args.file:
        inside, equals, here = f.partition("=")
        files[inside] = "@" + (here if equals else inside)
    settings = {
        "swiotlb": args.swiotlb, "icount": args.icount, "modules": args.module, "files": files,
        "programs": args.program, "devices": args.device, "append": args.append,
        "qemu": args.qemu.split(), "timeout": args.timeout}
    if args.xen:
        machine = vm.XenMachine(**settings)
    else:
        machine = vm.Machine(kernel=args.kernel, iommu=args.iommu, caching=args.caching, untrusted=args.untrusted,
                             memory=args.memory, cpus=args.cpus, **settings)
    result = machine.boot(script, args.name)
    cases = result.cases()
    if args.json:
        print(json.dumps({"ok": result.ok, "why": result.why, "status": result.status,
                          "seconds": round(result.seconds, 1), "log": result.log,
                          "output": result.output, "messages": result.messages,
                          "cases": [vars(c) for c in cases]}, indent=1))
    else:
        print("\n".join(result.messages if args.messages else result.output))
        for case in cases:
            print(case)
        print("%s, %.1f s; console: %s" % (result.why or "ok", result.seconds, result.log))
    return 0 if result.ok and all(c.verdict != "not ok" for c in cases) else 1


def main():
    parser = argparse.ArgumentParser(
        prog="python3 lab/vm", description="Boot stock Debian kernels under QEMU.",
        epilog="Exit status: 0, 1 where something booted fails, 2 where it could not be tried.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    p = commands.add_parser("fetch", help="download and unpack kernels with their headers, busybox and Xen")
    p.add_argument("what", nargs="*", metavar="NAME",
                   help="of %s, xen; all where none is named" % ", ".join(vm.KERNELS))
    p.add_argument("--update", action="store_true", help="fetch anew what is there")
    p.add_argument("--json", action="store_true")
    p.set_defaults(run_=fetch)

    p = commands.add_parser("headers", help="fetch a kernel's headers alone; prints their directory and architecture")
    p.add_argument("kernel", metavar="NAME|RELEASE",
                   help="of %s, or a release as uname -r prints it" % ", ".join(vm.KERNELS))
    p.set_defaults(run_=headers)

    p = commands.add_parser("emulator", help="fetch QEMU 11; prints the words that start it, one a line")
    p.add_argument("arch", choices=["amd64", "arm64", "riscv64"])
    p.set_defaults(run_=emulator)

    p = commands.add_parser("build", help="build the modules of a directory")
    p.add_argument("source")
    p.add_argument("--kernel", default="6.1", choices=list(vm.KERNELS))
    p.add_argument("--out", help="directory to build in (build/module/NAME/RELEASE)")
    p.add_argument("--also", action="append", default=[], metavar="DIR",
                   help="a directory of the project that the source takes files from")
    p.add_argument("--symbols", action="append", default=[], metavar="FILE",
                   help="Module.symvers of a module that it builds on")
    p.set_defaults(run_=build)

    p = commands.add_parser("boot", help="boot a machine, run a script, show what it printed")
    p.add_argument("--kernel", default="6.1", choices=list(vm.KERNELS))
    p.add_argument("--xen", action="store_true",
                   help="6.1-arm64 as dom0 under Xen; the IOMMU, memory and CPUs are its own")
    p.add_argument("--iommu", default="strict", choices=vm.IOMMU)
    p.add_argument("--caching", action="store_true", help="the caching mode of Intel's IOMMU")
    p.add_argument("--untrusted", action="store_true",
                   help="the devices are behind a port that faces the outside (x86-64)")
    p.add_argument("--swiotlb", metavar="VALUE", help="the kernel's parameter, for instance force")
    p.add_argument("--device", action="append", default=[], help="edu, nvme or e1000e")
    p.add_argument("--memory", default="512M")
    p.add_argument("--cpus", type=int, default=1)
    p.add_argument("--icount", metavar="VALUE", help="for instance shift=0")
    p.add_argument("--module", action="append", default=[], metavar="NAME|FILE.ko",
                   help="load the kernel's module NAME; put FILE.ko into /modules")
    p.add_argument("--program", action="append", default=[], metavar="FILE",
                   help="put a program and its shared libraries into /usr/bin")
    p.add_argument("--file", action="append", default=[], metavar="INSIDE=HERE",
                   help="put a file there")
    p.add_argument("--append", default="", help="more of the kernel's command line")
    p.add_argument("--qemu", default="", help="more arguments of QEMU")
    p.add_argument("--script", help="a file of shell commands to run")
    p.add_argument("--run", action="append", default=[], metavar="COMMAND", help="a command to run")
    p.add_argument("--messages", action="store_true", help="show the kernel's messages")
    p.add_argument("--timeout", type=float, default=vm.TIMEOUT, metavar="SECONDS")
    p.add_argument("--name", default="boot", help="of the console's log below build/log/vm")
    p.add_argument("--json", action="store_true")
    p.set_defaults(run_=boot)

    args = parser.parse_args()
    try:
        return args.run_(args) or 0
    except vm.Error as err:
        print("lab/vm: %s" % err, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
