# SPDX-License-Identifier: GPL-2.0-only
"""Builds kernels of the series: one source tree, one build directory, one step after another.

The first build takes 16 minutes of CPU; a step takes one more, as far as its files are few. What a
step has built is kept in images/, so that a boot needs no build.
"""

import glob
import os
import re
import shutil
import subprocess

from lab.vm import cache, kernels

from . import series

STOCK = "00-stock"
MODULE = os.path.join(series.HERE, "module")
# Modules of the kernel that boots take along.
KEEP = ("e1000e", "8139cp", "nvme", "nvme-core", "mii")
# The mappers that x86 has not: architecture: (compiler's prefix, objects).
OTHERS = {
    "arm64": ("aarch64-linux-gnu-", ["drivers/xen/swiotlb-xen.o", "kernel/dma/handle.o"]),
    "arm": ("arm-linux-gnueabihf-", ["arch/arm/mm/dma-mapping.o", "kernel/dma/handle.o"]),
}
FIXED = {"KBUILD_BUILD_TIMESTAMP": "@0", "KBUILD_BUILD_USER": "series", "KBUILD_BUILD_HOST": "series"}


class Image(kernels.Kernel):
    """A kernel that was built, as lab.vm.Machine takes it."""

    def __init__(self, name, where):  # pylint: disable=super-init-not-called
        self.name = name
        self.arch = "amd64"
        self.dir = where
        self.image = os.path.join(where, "bzImage")

    def module(self, name):
        return os.path.join(self.dir, name + ".ko")

    def module_files(self, *names):
        raise cache.Error("%s: modules are given as files" % self.name)


class Builder:
    """Builds the steps of one kernel version for x86-64.

    source: a source.Source; steps: the series; where: its git repository, with a tag for each step
    debug: build with dma-debug, in a build directory of its own
    """

    def __init__(self, source, steps, where, jobs=2, debug=False):
        self.source = source
        self.steps = steps
        self.where = where
        self.jobs = jobs
        self.variant = "-debug" if debug else ""
        self.out = os.path.join(source.work, "x86_64" + self.variant)

    def names(self):
        return [STOCK] + [s.name for s in self.steps]

    def image(self, name):
        """Returns the image of a step, built if it is missing or if the series has changed since."""
        if name not in self.names():
            raise cache.Error("no step %s (there are %s)" % (name, ", ".join(self.names())))
        tag = "base" if name == STOCK else name
        tree = series.git(self.where, "rev-parse", tag + "^{tree}").strip()
        version = "\n".join([tree, self.config(name)] + module_text()) + "\n"
        where = os.path.join(self.source.work, "images", name + self.variant)
        mark = os.path.join(where, "version")
        with cache.lock("series-build-" + self.source.kernel):
            if not os.path.exists(mark) or series.read(mark) != version:
                self.build(tag, name, where)
                with open(mark, "w") as f:
                    f.write(version)
        return Image(name + self.variant, where)

    def config(self, name):
        """Returns the options of a step: those of the machine, and of the steps up to this one."""
        lines = series.read(os.path.join(series.HERE, "x86_64.config"))
        for step in self.steps[:self.names().index(name)]:
            lines += "\n".join(step.config + [""])
        return lines + ("CONFIG_DMA_API_DEBUG=y\n" if self.variant else "")

    def put(self, tag):
        """Give the tree the files of a step. Files that are the same keep their time."""
        tree = self.source.tree()
        paths = sorted({p for s in self.steps for p in s.paths})
        there = set(series.git(self.where, "ls-tree", "-r", "--name-only", tag).split("\n"))
        for path in paths:
            full = os.path.join(tree, path)
            if path not in there:
                if os.path.exists(full):
                    os.remove(full)
                continue
            text = series.git(self.where, "show", "%s:%s" % (tag, path))
            if not os.path.exists(full) or series.read(full) != text:
                os.makedirs(os.path.dirname(full), exist_ok=True)
                with open(full, "w", encoding="utf-8") as f:
                    f.write(text)
        return tree

    def make(self, log, *args):
        with open(log, "a") as f:
            out = subprocess.run(["nice", "-n", "5", "make", "-s", "-j%d" % self.jobs] + list(args),
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
        with cache.lock("series-build-" + self.source.kernel):
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

    def build(self, tag, name, where):
        tree = self.put(tag)
        os.makedirs(self.out, exist_ok=True)
        os.makedirs(cache.LOG, exist_ok=True)
        log = os.path.join(cache.LOG, "series-%s-%s.log" % (self.source.kernel, name + self.variant))
        open(log, "w").close()
        options = os.path.join(self.source.work, "config-" + name)
        wanted = self.config(name)
        with open(options, "w") as f:
            f.write(wanted)
        # An older tree of the same source may hold objects of another configuration: make finds out.
        self.make(log, "-C", tree, "O=" + self.out, "KCONFIG_ALLCONFIG=" + options, "allnoconfig")
        have = set(series.read(os.path.join(self.out, ".config")).splitlines())
        lost = [l for l in wanted.splitlines() if l.startswith("CONFIG_") and l not in have]
        if lost:
            raise cache.Error("%s: the kernel's configuration does not take %s" % (name, ", ".join(lost)))
        self.make(log, "-C", tree, "O=" + self.out)
        test = os.path.join(self.source.work, "module")
        shutil.rmtree(test, ignore_errors=True)
        shutil.copytree(MODULE, test)
        self.make(log, "-C", tree, "O=" + self.out, "M=" + test, "modules")
        warnings = [l for l in series.read(log).splitlines() if "warning:" in l]
        if warnings:
            raise cache.Error("the build of %s warns; the log is %s\n%s" % (name, log, "\n".join(warnings)))
        shutil.rmtree(where, ignore_errors=True)
        os.makedirs(where)
        shutil.copy(os.path.join(self.out, "arch/x86/boot/bzImage"), where)
        for path in glob.glob(os.path.join(self.out, "drivers/**/*.ko"), recursive=True):
            if os.path.basename(path)[:-len(".ko")] in KEEP:
                shutil.copy(path, where)
        shutil.copy(os.path.join(test, "series_test.ko"), where)


def module_text():
    """Returns the text of the test module's files."""
    return [series.read(p) for p in sorted(glob.glob(os.path.join(MODULE, "*")))]
