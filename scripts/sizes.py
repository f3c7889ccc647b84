#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""Print the text size of the library on four architectures, as a table in Markdown.

"All" is every function. "Behind VT-d" is a link with --gc-sections from the functions that a kernel
with VT-d calls: a domain, devices, map, unmap and sync by handle, faults. For the archive that link
leaves out whole files, and with -ffunction-sections single functions; the one file of `make dist`
needs -ffunction-sections to lose anything.
"""

import concurrent.futures
import os
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True

import amalgamate
import tree

ARCHES = [("x86-64", "x86_64-linux-gnu-", []), ("aarch64", "aarch64-linux-gnu-", ["-mno-outline-atomics"]),
          ("armhf", "arm-linux-gnueabihf-", []), ("riscv64", "riscv64-linux-gnu-", [])]
FLAGS = ["-std=gnu11", "-ffreestanding", "-fno-pie", "-fno-stack-protector", "-fno-asynchronous-unwind-tables",
         "-fno-common"]
ROOTS = ["dmah_domain_init", "dmah_domain_memory", "dmah_attach", "dmah_detach", "dmah_map", "dmah_map_memory", "dmah_replace",
         "dmah_unmap", "dmah_sync_cpu_slow", "dmah_sync_device_slow", "dmah_poll", "dmah_vtd_memory",
         "dmah_vtd_init", "dmah_vtd_enable", "dmah_faults", "dmah_fault_text"]
SECTIONS = ["-ffunction-sections", "-fdata-sections"]


def call(argv):
    proc = subprocess.run(argv, cwd=tree.ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)
    if proc.returncode:
        sys.exit("sizes.py: %s:\n%s" % (" ".join(argv), proc.stdout.decode()))
    return proc.stdout.decode()


def text_of(prefix, obj):
    """Bytes of code and constants, as size(1) counts them."""
    return int(call([prefix + "size", obj]).split("\n")[1].split()[0])


def measure(prefix, flags, level, sources, one, work, pool):
    gcc = prefix + "gcc"

    def build(sections):
        out = os.path.join(work, "%s%s%d" % (prefix, level, bool(sections)))
        os.makedirs(out)
        common = [gcc] + FLAGS + flags + sections + [level, "-Iinclude", "-Isrc", "-c"]

        def compile_one(source):
            obj = os.path.join(out, source.replace("/", "-") + ".o")
            call(common + [source, "-o", obj])
            return obj
        objects = list(pool.map(compile_one, sources))
        whole = os.path.join(out, "dmah.o")
        call(common + [one, "-o", whole])
        archive = os.path.join(out, "libdmah.a")
        call([prefix + "ar", "rcs", archive] + objects)
        return objects, whole, archive

    def link(inputs, roots):
        out = os.path.join(work, "linked.o")
        argv = [gcc, "-nostdlib", "-r", "-o", out]
        if roots:
            argv += ["-Wl,--gc-sections"] + ["-Wl,-u," + r for r in ROOTS] + ["-Wl,-e," + ROOTS[0]]
        call(argv + inputs)
        return text_of(prefix, out)

    objects, whole, archive = build([])
    _, whole_sections, archive_sections = build(SECTIONS)
    return [link(objects, False), link([whole], False), link([archive], True), link([archive_sections], True),
            link([whole_sections], True)]


def main():
    missing = [p + "gcc" for _, p, _ in ARCHES if not shutil.which(p + "gcc")]
    if missing:
        sys.exit("sizes.py: not installed: %s (scripts/deps.sh test installs them)" % ", ".join(missing))
    sources = ["src/" + name for name in tree.read_list(tree.ROOT, "src/sources.txt")]
    print("| text in bytes | all, archive | all, one file | behind VT-d, archive | archive, sections | one file, sections |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="dmah-sizes-") as work, \
            concurrent.futures.ThreadPoolExecutor(int(os.environ.get("JOBS") or os.cpu_count() or 1)) as pool:
        one = os.path.join(work, "dmah.c")
        amalgamate.write(one, amalgamate.Amalgamation(tree.ROOT).text())
        for name, prefix, flags in ARCHES:
            for level in ("-O2", "-Os"):
                sizes = measure(prefix, flags, level, sources, one, work, pool)
                print("| %s, `%s` | %s |" % (name, level, " | ".join("{:,}".format(s) for s in sizes)), flush=True)


if __name__ == "__main__":
    main()
