# SPDX-License-Identifier: GPL-2.0-only
"""Builds kernels of the series: for each variant one source tree and one build directory, one step after another.

The first build takes 16 minutes of CPU; a step takes one more, as far as its files are few. What a
step has built is kept in images/, so that a boot needs no build.
"""

import glob
import os
import re
import shutil
import subprocess
import tempfile

from lab.vm import cache, kernels

from . import edit, series, variant

STOCK = "00-stock"
# Of tests/xen/module: the test, granted pages, the domain that grants them, and edu.
XEN = ("series.c", "frame.c", "frame.h", "guest.c", "guest.h", "edu.c", "edu.h", "mailbox.h", "ktap.h", "xen_guest.c")
# Modules of the kernel that boots take along.
KEEP = ("e1000e", "8139cp", "e100", "igb", "mii", "i2c-core", "i2c-algo-bit", "nvme-core", "nvme")
# The mappers that x86 has not: architecture: (compiler's prefix, objects).
OTHERS = {
    "arm64": ("aarch64-linux-gnu-", ["drivers/xen/swiotlb-xen.o", "kernel/dma/handle.o"]),
    "arm": ("arm-linux-gnueabihf-", ["arch/arm/mm/dma-mapping.o", "kernel/dma/handle.o"]),
}
FIXED = {"KBUILD_BUILD_TIMESTAMP": "@0", "KBUILD_BUILD_USER": "series", "KBUILD_BUILD_HOST": "series"}


class Image(kernels.Kernel):
    """A kernel that was built, as lab.vm.Machine takes it."""

    def __init__(self, name, kind, where):  # pylint: disable=super-init-not-called
        self.name = name
        self.kind = kind
        self.arch = kind.arch
        self.dir = where
        self.image = os.path.join(where, os.path.basename(kind.image))

    def module(self, name):
        return os.path.join(self.dir, name + ".ko")

    def module_files(self, *names):
        raise cache.Error("%s: modules are given as files" % self.name)


class Builder:
    """Builds the steps of one kernel version.

    source: a source.Source; steps: the series; where: its git repository, with a tag for each step
    kind: a variant.Variant
    """

    def __init__(self, source, steps, where, jobs=2, kind=variant.ALL[variant.DEFAULT]):
        self.source = source
        self.steps = steps
        self.where = where
        self.jobs = jobs
        self.kind = kind
        self.out = os.path.join(source.work, kind.out())

    def names(self):
        return [STOCK] + [s.name for s in self.steps]

    def image(self, name):
        """Returns the image of a step, built if it is missing or if the series has changed since."""
        if name not in self.names():
            raise cache.Error("no step %s (there are %s)" % (name, ", ".join(self.names())))
        tag = "base" if name == STOCK else name
        tree = series.git(self.where, "rev-parse", tag + "^{tree}").strip()
        kernel = "\n".join([tree, self.config(name)]) + "\n"
        version = "\n".join([kernel] + module_text(self.kind.modules)) + "\n"
        where = os.path.join(self.source.work, "images", name + self.kind.suffix())
        mark = os.path.join(where, "version")
        with cache.lock(self.lock()):
            if not os.path.exists(mark) or series.read(mark) != version:
                self.build(tag, name, where, kernel)
                with open(mark, "w") as f:
                    f.write(version)
        return Image(name + self.kind.suffix(), self.kind, where)

    def kernel(self, log, args, options, wanted, name):
        """Configure and build. An older tree may hold objects of another configuration: make finds out."""
        self.make(log, *args, "KCONFIG_ALLCONFIG=" + options, "allnoconfig")
        have = set(series.read(os.path.join(self.out, ".config")).splitlines())
        lost = [l for l in wanted.splitlines() if l.startswith("CONFIG_") and l not in have]
        if lost:
            raise cache.Error("%s: the kernel's configuration does not take %s" % (name, ", ".join(lost)))
        self.make(log, *args)

    def lock(self):
        return "series-build-%s%s" % (self.source.kernel, self.kind.tree())

    def config(self, name):
        """Returns the options of a step: those of the machine, and of the steps up to this one."""
        lines = self.kind.options()
        for step in self.steps[:self.names().index(name)]:
            lines += "\n".join([l for l in step.config if l.split("=")[0] not in self.kind.without] + [""])
        return lines

    def put(self, tag):
        """Give the tree the files of a step. Files that are the same keep their time."""
        tree = self.source.tree(self.kind.tree())
        there = set(series.git(self.where, "ls-tree", "-r", "--name-only", tag).split("\n"))
        files = {p: series.git(self.where, "show", "%s:%s" % (tag, p)) if p in there else None
                 for p in sorted({p for s in self.steps for p in s.paths})}
        files.update(self.edited(files))
        for path, text in files.items():
            full = os.path.join(tree, path)
            if text is None:
                if os.path.exists(full):
                    os.remove(full)
            elif not os.path.exists(full) or series.read(full) != text:
                os.makedirs(os.path.dirname(full), exist_ok=True)
                # A new file, since the old one may be another tree's too.
                with open(full + ".new", "w", encoding="utf-8") as f:
                    f.write(text)
                os.rename(full + ".new", full)
        return tree

    def edited(self, files):
        """Returns the files that only this variant changes, as it has them."""
        if not self.kind.edits:
            return {}
        path = os.path.join(series.HERE, self.kind.edits)
        rules = edit.parse(series.read(path), self.kind.edits)
        pristine = self.source.files({r.path for r in rules})
        try:
            return edit.apply(rules, lambda p: files[p] if p in files else series.read(os.path.join(pristine, p)))
        except edit.Error as err:
            raise cache.Error(str(err)) from err

    def make(self, log, *args):
        with open(log, "a") as f:
            out = subprocess.run(["make", "-s", "-j%d" % self.jobs] + list(args),
                                 stdin=subprocess.DEVNULL, stdout=f, stderr=subprocess.STDOUT,
                                 check=False, env=dict(os.environ, **FIXED))
        if out.returncode != 0:
            text = series.read(log)
            lines = [l for l in text.splitlines() if re.search(r"error|Error|undefined", l)]
            raise cache.Error("the build failed; the log is %s\n%s" % (log, "\n".join(lines[:20])))

    def objects(self, name):
        """Compile the mappers of other architectures, as far as a step has them; returns their names.

        Nothing is linked: an undefined symbol that the object must not have is looked for instead.
        """
        with cache.lock(self.lock()):
            return self.compile(self.put("base" if name == STOCK else name))

    def compile(self, tree):
        made = []
        for arch, (cross, files) in OTHERS.items():
            out = os.path.join(self.source.work, arch)
            os.makedirs(out, exist_ok=True)
            log = os.path.join(cache.LOG, "series-%s-%s.log" % (self.source.kernel, arch))
            open(log, "w").close()
            args = ["-C", tree, "O=" + out, "ARCH=" + arch, "CROSS_COMPILE=" + cross]
            self.make(log, *args, "KCONFIG_ALLCONFIG=" + os.path.join(series.HERE, arch + ".config"), "allnoconfig")
            there = [f for f in files if os.path.exists(os.path.join(tree, f[:-2] + ".c"))]
            self.make(log, *args, *there)
            for f in there:
                undefined = subprocess.run([cross + "nm", "-u", os.path.join(out, f)], stdin=subprocess.DEVNULL,
                                           stdout=subprocess.PIPE, check=True).stdout.decode()
                if arch == "arm" and "iommu_dma_" in undefined:
                    raise cache.Error("%s of arm, which has no dma-iommu, needs\n%s" % (f, undefined))
                made.append("%s %s" % (arch, f))
        return made

    def build(self, tag, name, where, version):
        """Build the kernel, if the build directory does not hold it, and the test modules; copy them into where."""
        tree = self.put(tag)
        os.makedirs(self.out, exist_ok=True)
        os.makedirs(cache.LOG, exist_ok=True)
        log = os.path.join(cache.LOG, "series-%s-%s.log" % (self.source.kernel, name + self.kind.suffix()))
        open(log, "w").close()
        options = os.path.join(self.source.work, "config-" + name + self.kind.suffix())
        wanted = self.config(name)
        with open(options, "w") as f:
            f.write(wanted)
        args = ["-C", tree, "O=" + self.out, "ARCH=" + self.kind.karch, "CROSS_COMPILE=" + self.kind.cross]
        held = os.path.join(self.out, "series-version")
        if not os.path.exists(held) or series.read(held) != version:
            if os.path.exists(held):
                os.remove(held)
            self.kernel(log, args, options, wanted, name)
            with open(held, "w") as f:
                f.write(version)
        kos = []
        for kind in self.kind.modules:
            test = os.path.join(self.source.work, kind + self.kind.suffix())
            shutil.rmtree(test, ignore_errors=True)
            os.makedirs(test)
            for base, path in module_files(kind).items():
                shutil.copy(path, os.path.join(test, base))
            self.make(log, *args, "M=" + test, "modules")
            kos += glob.glob(os.path.join(test, "*.ko"))
        warnings = [l for l in series.read(log).splitlines() if "warning:" in l]
        if warnings:
            raise cache.Error("the build of %s warns; the log is %s\n%s" % (name, log, "\n".join(warnings)))
        shutil.rmtree(where, ignore_errors=True)
        os.makedirs(where)
        shutil.copy(os.path.join(self.out, self.kind.image), where)
        for path in glob.glob(os.path.join(self.out, "drivers/**/*.ko"), recursive=True):
            if os.path.basename(path)[:-len(".ko")] in KEEP:
                shutil.copy(path, where)
        for path in kos:
            shutil.copy(path, where)
        if self.kind.karch == "x86_64":
            tool(tree, os.path.join(where, "dma_map_benchmark"))


def tool(tree, into):
    """Build the kernel's user space part of its benchmark of DMA mapping."""
    with tempfile.TemporaryDirectory(prefix="dmah-tool-") as include:
        os.mkdir(os.path.join(include, "linux"))
        shutil.copy(os.path.join(tree, "include", "uapi", "linux", "map_benchmark.h"), os.path.join(include, "linux"))
        out = subprocess.run(["gcc", "-static", "-O2", "-D_GNU_SOURCE", "-I" + include, "-o", into,
                              os.path.join(tree, "tools", "dma", "dma_map_benchmark.c")], check=False,
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if out.returncode != 0:
        raise cache.Error("tools/dma does not build:\n%s" % out.stdout.decode(errors="replace"))


def module_files(kind):
    """Returns {name: path} of the files of a test module: "module", or "xen"."""
    if kind == "xen":
        top = os.path.join(cache.ROOT, "tests", "xen", "module")
        files = {n: os.path.join(top, n) for n in XEN}
        files["Kbuild"] = os.path.join(series.HERE, "xen.Kbuild")
        return files
    return {os.path.basename(p): p for p in glob.glob(os.path.join(series.HERE, kind, "*"))}


def module_text(kinds):
    """Returns the texts of test modules."""
    return [series.read(p) for kind in kinds for _, p in sorted(module_files(kind).items())]
