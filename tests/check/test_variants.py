#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR GPL-2.0-only
"""One wrong unmap, written in every way in which people hand a trace on.

    test_variants.py DMAH

A variant is a text that is made here. WRONG expects exactly one error, size-mismatch; RIGHT expects none; another word is the
kind of the one error; "lost" expects no error and a note of lost events; "refused ..." expects exit status 2 and a message with
these words, so that nothing is lost in silence.
"""

import json
import os
import subprocess
import sys
import tempfile
import textwrap

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "lab"))

from vm.ktap import Tap  # noqa: E402

DMAH = os.path.abspath(sys.argv[1])
WRONG, RIGHT = "size-mismatch", ""
MAP = "dma_map_page: 0000:03:00.0 dir=FROM_DEVICE dma_addr=fff00000 size=2048 phys_addr=5000 attrs="
UNMAP = "dma_unmap_page: 0000:03:00.0 dir=FROM_DEVICE dma_addr=fff00000 size=1024 attrs="
GOOD = UNMAP.replace("1024", "2048")
TIMES = ("10.000000", "10.000100")
HEAD = """# tracer: nop
#
# entries-in-buffer/entries-written: 2/2   #P:1
#
#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION
"""
MAIL = "From: a@example.org\nSubject: x\n\nHello,\n\n"
ALL = []


def variant(name, text, want=WRONG, shows=""):
    """Add a variant. shows: text that the report must have."""
    ALL.append((name, text if isinstance(text, bytes) else text.encode(), want, shows))


def lines(form, first=MAP, second=UNMAP):
    """Both events by a format with {t}, {e} and {n}."""
    return "".join(form.format(t=t, e=e, n=n) + "\n" for n, (t, e) in enumerate(zip(TIMES, (first, second)), 12))


def trace(*events):
    """A text of tracefs."""
    return HEAD + "".join("           ktest-211     [000] .....    10.%06d: %s\n" % (n, e) for n, e in enumerate(events))


def tracefs():
    """Tasks, columns, clocks and devices."""
    line = "          {task}   [{cpu}] {flags}    {{t}}: {{e}}"
    for name, task in (("spaces", "my prog name-211"), ("brackets", "[kworker/0:1]-211"), ("a CPU", "task [000] x-211"),
                       ("colons", "kworker/u8:2-ev: x-211"), ("dashes", "a-12--211"), ("idle", "<idle>-0")):
        variant("task with " + name, HEAD + lines(line.format(task=task, cpu="000", flags=".....")), shows=task)
    for name, task in (("", "a-211 (    211)"), (" of dashes", "a-211 (-------)")):
        variant("TGID" + name, HEAD + lines(line.format(task=task, cpu="000", flags=".....")))
    for flags in ("d.h1", "dNZff2.", ""):
        variant("flags " + flags, HEAD + lines(line.format(task="a-1", cpu="1023", flags=flags)), shows="CPU 1023")
    for name, times in (("ns", ("10.000000123", "10.000100456")), ("jiffies", ("4294937296", "4294937299")),
                        ("since 1970", ("1764484866.000000", "1764484866.500000"))):
        variant("clock of " + name, trace() + "".join("  a-1 [000] ..... %s: %s\n" % x for x in zip(times, (MAP, UNMAP))))
    for device in ("my dev 1", "a:b: c", "fe9a0000.gpu", "1-1.2:1.0", "dir=x", "00:05"):
        variant("device " + device, trace(*(e.replace("0000:03:00.0", device) for e in (MAP, UNMAP))), shows=device)
    variant("carriage returns", trace(MAP, UNMAP).replace("\n", "\r\n"))
    variant("byte-order mark", "\ufeff" + trace(MAP, UNMAP))
    variant("lost events", trace(MAP) + "CPU:0 [LOST 12 EVENTS]\n" + trace(UNMAP), "lost")
    variant("cut field", trace(MAP.replace("phys_addr", "phys_ad"), UNMAP), "refused cut off or damaged")
    variant("damage in the middle", trace(MAP) + " garbage dma_addr=1 x\n" + trace(UNMAP), "refused not a line of a trace")


def quoted():
    """Mails, issues, browsers, terminals, and lines broken by a mail program."""
    for mark in ("> ", ">> ", "> > ", "| ", "\t", "    ", ": ", ">", "  > "):
        variant("quoted by %r" % mark, "Hi,\n" + "".join(mark + s + "\n" for s in trace(MAP, UNMAP).splitlines()))
    plain = lines("  a-1 [000] ..... {t}: {e}")
    variant("quoted-printable", "Content-Transfer-Encoding: quoted-printable\n\n" +
            plain.replace("=", "=3D").replace("dma_addr", "dma_=\naddr"))
    variant("HTML", "<pre>\n" + lines("  &lt;idle&gt;-0 [000] ..... {t}: {e}") + "</pre>\n", shows="task <idle>-0")
    variant("no-break spaces", HEAD + plain.replace(" ", "\u00a0"))
    variant("colours", lines("\x1b[32m  a-1 [000] ..... {t}: \x1b[0m{e}"))
    variant("grep -n", lines("{n}:  a-1 [000] ..... {t}: {e}"))
    variant("grep", lines("trace.txt:  a-1 [000] ..... {t}: {e}"))
    variant("added lines of a patch", lines("+  a-1 [000] ..... {t}: {e}"))
    variant("fence", "See:\n```\n" + plain + "```\nbye\n")
    for width in (100, 80, 76, 72, 64, 56):
        broken = "".join("\n".join(textwrap.wrap(s, width, break_long_words=False, break_on_hyphens=False)) + "\n"
                         for s in trace(MAP, UNMAP).splitlines() if s[0] == " ")
        variant("broken at %d" % width, broken)
        variant("broken at %d, in a mail" % width, MAIL + broken + "\nbye\n")
        variant("broken at %d, quoted" % width, MAIL + "".join("> " + s + "\n" for s in broken.splitlines()))
        variant("broken at %d when quoted" % width, MAIL + "> " + broken.replace("\n           ktest", "\n> ktest"))


def graph():
    """function_graph."""
    head = "# tracer: function_graph\n#\n# CPU  DURATION                  FUNCTION CALLS\n"
    for name, form in (("plain", " 0)               |  /* {e} */"), ("deep", " 0)               |              /* {e} */"),
                       ("interrupts", " 0)   ==========> |\n 0)               |  /* {e} */"),
                       ("ends", " 0) + 12.345 us   |  }} /* foo ret=0x0 */\n 0)               |  /* {e} */"),
                       ("times", "   {t} |   0)               |  /* {e} */"),
                       ("tasks", "   {t} |   0)  insmod-141   |               |  /* {e} */"),
                       ("flags", "   {t} |   0)  insmod-141   |  d..1.               |  /* {e} */"),
                       ("no CPU", "   0.5 us    |  foo();\n             |  /* {e} */")):
        variant("function_graph, " + name, head + lines(form))


def log():
    """The kernel's log."""
    for prefix in ("[   12.345678] ", "<6>[   12.345678] ", "<6>", "[   12.345678][  T123] ", "kern  :info  : [   12.345678] ",
                   "kern  :info  : [Mon Nov 30 06:41:06 2026] ", "[Mon Nov 30 06:41:06 2026] ",
                   "2026-11-30T06:41:06,123456+00:00 ", "Nov 30 06:41:06.123456 host kernel: ", "Nov 30 06:41:06 host kernel: ",
                   "Nov 30 06:41:06 host kernel: [   12.345678] ", "Nov 30 06:41:06 a.example.org kernel: [   12.345678][    C0] ",
                   "2026-11-30T06:41:06.123456+00:00 host kernel: [   12.345678] ", "2026-11-30T06:41:06+0000 host kernel: ",
                   "[   12.345678] host kernel: ", "[   12.345678 <    0.000010>] ", "[Nov30 06:41] ", "[  +0.000123] ",
                   "6,1234,12345678,-;", "6,1234,12345678,-,caller=T123;", "1764484866.123456 host kernel: ",
                   "<6>[   12.345678]  [0:   swapper/0:    0] ", "06:41:06.123 [   12.345678] ",
                   "[2026-11-30 06:41:06] [   12.345678] "):
        variant("log with " + prefix, "".join(prefix + s + "\n" for s in ("Linux version 6.12", MAP, "usb 1-1: new device", UNMAP)))
    variant("log without times", "Linux version 6.12\n" + lines("{e}"), "refused dmesg -t")
    variant("log with a line of another kind", "[   10.000000] " + MAP + "\nfoo " + UNMAP + "\n", "refused not a line")


def perf():
    """perf script."""
    for name, form in (("plain", "          insmod   141 [000] {t}: dma:{e}"), ("threads", "  insmod   141/142 [000] {t}: dma:{e}"),
                       ("without CPU", "  insmod   141 {t}: dma:{e}"), ("task with spaces", "my prog name   141 [000] {t}: dma:{e}"),
                       ("period", "  insmod   141 [000] {t}:          1 dma:{e}"), ("no system", "  insmod   141 [000] {t}: {e}")):
        variant("perf script, " + name, "# ========\n# cmdline : /usr/bin/perf record -e dma:dma_map_page\n#\n" + lines(form))
    event = "insmod   141 [000] {t}: dma:{e}\n"
    for name, chain in (("", "\tffffffff8112ab34 dma_map_page_attrs+0x1f4 ([kernel.kallsyms])\n\tffffffffc0012345 my_probe+0x45 ([m])\n"),
                        (" without addresses", "\tdma_map_page_attrs+0x1f4 ([kernel.kallsyms])\n\tmy_probe+0x45 ([m])\n"),
                        (" of inlined functions", "\tffffffff8112ab34 dma_map_single_attrs+0x1f4 (inlined)\n\tffffffffc0012345 my_probe\n")):
        variant("perf script, chains" + name, lines(event + chain), shows="called by my_probe")
        variant("perf script, chains%s, no CPU" % name, lines(event.replace(" [000]", "") + chain), shows="called by my_probe")
    variant("perf script without times", lines("insmod   141 [000] dma:{e}"), "refused perf script --ns")
    variant("perf report", "# Overhead  Command\n# ........  .......\n   50.0%  insmod\n", "refused perf report or perf stat")
    variant("perf stat", " Performance counter stats for 'x':\n\n   12  dma:dma_map_page\n", "refused perf report or perf stat")


def trace_cmd():
    """trace-cmd report."""
    line = "          insmod-211   [000] {t}: {e}"
    for head in ("cpus=2\n", "CPU 1 is empty\ncpus=2\n", "trace-cmd version 3.1.6\nversion = 7\ncpus=2\n"):
        variant("trace-cmd report after " + head.split("\n", 1)[0], head + lines(line))
    for name, form in (("-l", "  insmod-211   0d..2. {t}: {e}"), ("flags", "  insmod-211   [000] d..2. {t}: {e}"),
                       ("files", "   trace.dat:    insmod-211   [000] {t}: {e}"), ("systems", "  insmod-211   [000] {t}: dma:{e}"),
                       ("--ts-diff", "  insmod-211   [000] {t}: (+100)   {e}"), ("--ts-diff of seconds", line.replace("{e}", "(+0.000100) {e}"))):
        variant("trace-cmd report, " + name, "cpus=2\n" + lines(form))
    variant("trace-cmd report, stacks", lines(line + "\n  insmod-211   [000] {t}: kernel_stack:         <stack trace>\n"
            "=> dma_map_page_attrs (ffffffff8112ab34)\n=> my_probe (ffffffffc012ab34)"), shows="called by my_probe")
    variant("trace-cmd report, graph", "  a-1   [000]  9.0: funcgraph_entry:                   |  foo() {\n" + lines(line))
    variant("trace-cmd report, -R", "cpus=1\n  a-1 [000] 10.0: dma_map_page:          device=d phys_addr=0x5000 dma_addr=0xfff00000 "
            "size=2048 dir=2 attrs=0x0\n  a-1 [000] 10.1: dma_unmap_page:        device=d addr=0xfff00000 size=1024 dir=2 attrs=0x0\n")
    variant("trace-cmd report, lost", "cpus=2\nCPU:0 [12 EVENTS DROPPED]\n  a-1 [000] 10.000100: " + UNMAP + "\n", "lost")


def foreign():
    """Other formats are named."""
    for name, data, words in (
            ("UTF-16", ("\ufeff" + trace(MAP)).encode("utf-16-le"), "iconv"), ("ELF", b"\x7fELF" + bytes(60), "dmah record"),
            ("zip", b"PK\3\4" + bytes(60), "unzip -p"), ("bzip2", b"BZh91AY&SY" + bytes(60), "bzip2 -dc"),
            ("lz4", b"\x04\x22\x4d\x18" + bytes(60), "lz4 -dc"), ("tar", b"t" + bytes(256) + b"ustar\x0000" + bytes(248), "tar -xOf"),
            ("pcap", b"\xd4\xc3\xb2\xa1\2\0\4\0" + bytes(60), "pcap"), ("perf.data", b"PERFILE2" + bytes(100), "perf script --ns"),
            ("journal", b"LPKSHHRH" + bytes(60), "journalctl -k"), ("CTF", b"\xc1\x1f\xfc\xc1" + bytes(60), "LTTng"),
            ("zeros", bytes(range(256)), "dmah record"), ("nothing", b"", "dmah record"),
            ("JSON", b'{"traceEvents":[]}\n', "browser"), ("JSON array", b'[{"name":"dma_map_page"}]\n', "browser"),
            ("histogram", b"# event histogram\n#\n# trigger info: x\n\n{ device: x } hitcount: 1\n", "hist trigger"),
            ("babeltrace", b'[10:00:00.1] (+?.?) host dma_map_page: { cpu_id = 0 }, { dir = 2 }\n', "LTTng"),
            ("strace", b'openat(AT_FDCWD, "/x", O_RDONLY) = 3\n', "dmah record"), ("TAP", b"TAP version 13\nok 1\n", "dmah record")):
        variant("not a trace: " + name, data, "refused " + words)


def lists():
    """Scatter lists and attributes of right drivers, and of some that are not."""
    def mapped(entries, phys=0x5000, dma=0xe0000000):
        shown = min(entries, 128)
        return ("dma_map_sg: 0000:03:00.0 dir=TO_DEVICE nents=%d/%d ents=1/1%s dma_addrs={0x%x} sizes={0x%x} phys_addrs={%s} attrs="
                % (shown, entries, " [TRUNCATED]" * (entries > 128), dma, entries * 4096, pieces(shown, phys)))

    def pieces(entries, phys):
        return ",".join("0x%x" % (phys + 0x2000 * n) for n in range(entries))

    def unmapped(entries, phys=0x5000):
        return "dma_unmap_sg: 0000:03:00.0 dir=TO_DEVICE phys_addrs={%s} attrs=" % pieces(entries, phys)

    def other(event):
        return event.replace("03:00.0", "04:00.0")

    variant("list", trace(mapped(3), unmapped(3)), RIGHT)
    variant("list of 500", trace(mapped(500), unmapped(500)), RIGHT)
    variant("unmap of a list is not recorded", trace(mapped(600), mapped(600)), RIGHT, shows="so long")
    variant("its address goes to another list", trace(mapped(600), mapped(3, 0x900000), unmapped(3, 0x900000)), RIGHT)
    variant("its address goes to a buffer", trace(mapped(600), MAP.replace("fff00000", "e0000000").replace("5000", "9000"),
                                                  GOOD.replace("fff00000", "e0000000")), RIGHT)
    variant("list within a list", trace(mapped(8), mapped(3, 0x9000, 0xe1000000), unmapped(3, 0x9000), unmapped(8)), RIGHT)
    variant("lists with one beginning", trace(mapped(8), mapped(3, dma=0xe1000000), unmapped(3), unmapped(8)), RIGHT)
    variant("list mapped twice", trace(mapped(3), mapped(3, dma=0xe1000000), unmapped(3), unmapped(3)), RIGHT)
    variant("list of two devices", trace(mapped(3), other(mapped(3)), unmapped(3), other(unmapped(3))), RIGHT)
    variant("map of a list is not recorded", trace(unmapped(250)), RIGHT)
    variant("fewer entries", trace(mapped(4), unmapped(3)))
    variant("two devices, one address", trace(MAP, other(MAP).replace("5000", "9000"), GOOD, other(GOOD)), RIGHT)
    variant("mapped again", trace(MAP, GOOD, MAP, GOOD), RIGHT)
    for attrs in ("NO_WARN|0x4000", "0x10000", "CC_SHARED", "0x0"):
        variant("attributes " + attrs, trace(MAP + attrs, GOOD + attrs), RIGHT)
    variant("attributes that may differ", trace(MAP + "NO_WARN|SKIP_CPU_SYNC|REQUIRE_COHERENT", GOOD + "REQUIRE_COHERENT"), RIGHT)
    variant("an attribute that must not", trace(MAP + "REQUIRE_COHERENT", GOOD), "attrs-mismatch")


def wrong(path, want, shows):
    """Returns the reason why the report is not right, or ""."""
    done = subprocess.run([DMAH, "check", "--json", path], capture_output=True, text=True, check=False)
    if want.startswith("refused "):
        return "" if done.returncode == 2 and want[8:] in done.stderr else "status %d: %s" % (done.returncode, done.stderr)
    if done.returncode not in (0, 1):
        return "status %d: %s" % (done.returncode, done.stderr)
    found = json.loads(done.stdout)
    errors = [f["kind"] for f in found if f["severity"] == "error"]
    if want == "lost":
        return "" if not errors and any(f["kind"] == "lost-events" for f in found) else str(found)
    if errors != ([want] if want else []):
        return str(found)
    text = subprocess.run([DMAH, "check", path], capture_output=True, text=True, check=False).stdout if shows else ""
    return "" if shows in text else "no %r in %s" % (shows, text)


def main():
    """Run. Return: the exit status."""
    tap = Tap()
    for group in (tracefs, quoted, graph, log, perf, trace_cmd, foreign, lists):
        group()
    with tempfile.TemporaryDirectory(prefix="dmah-variants-") as directory:
        path = os.path.join(directory, "trace")
        for name, text, want, shows in ALL:
            with open(path, "wb") as f:
                f.write(text)
            why = wrong(path, want, shows)
            tap.case(not why, name, notes=why.splitlines())
    return tap.done()


sys.exit(main())
