# SPDX-License-Identifier: GPL-2.0-only
"""Builds the converted drivers for Debian's kernel with dmah.ko, from the source that the series makes of them.

One header is different: linux/dma-handle.h is dmah.ko's own (ports/linux/include), with the same calls.
"""

import os
import shutil

from lab.vm import cache, module

from . import series, traffic


def build(source, where, tag, name, dmah):
    """Returns the files of dmah.ko and of the driver, built for the kernel of dmah (lab.vm.Dmah).

    where: the repository of the series; tag: the step of it whose source is built
    """
    driver = traffic.DRIVERS[name]
    path = os.path.join(cache.BUILD, "module", "series-driver", name)
    into = os.path.join(path, "source")
    shutil.rmtree(into, ignore_errors=True)
    pristine = os.path.join(source.files([driver.path]), driver.path)
    if os.path.isdir(pristine):
        shutil.copytree(pristine, into)
        top = driver.path
    else:
        os.makedirs(into)
        top = os.path.dirname(driver.path)
        with open(os.path.join(into, "Kbuild"), "w", encoding="utf-8") as f:
            f.write("obj-m := %s.o\n" % name)
    changed = [p for p in series.git(where, "ls-tree", "-r", "--name-only", tag).split("\n")
               if p == driver.path or p.startswith(driver.path + "/")]
    for p in changed:
        with open(os.path.join(into, os.path.relpath(p, top)), "w", encoding="utf-8") as f:
            f.write(series.git(where, "show", "%s:%s" % (tag, p)))
    kos = module.build(dmah.kernel, into, os.path.join(path, dmah.kernel.release),
                       args=[driver.option + "=m", "KCFLAGS=-I" + dmah.include, "KBUILD_EXTRA_SYMBOLS=" + dmah.symvers])
    return [dmah.ko] + kos


def debian(kernel, name):
    """Returns the file of Debian's own driver, which is not converted."""
    into = os.path.join(cache.BUILD, "module", "series-driver", name, kernel.release + "-debian")
    os.makedirs(into, exist_ok=True)
    path = os.path.join(into, name + ".ko")
    with open(path, "wb") as f:
        f.write(module.contents(kernel.module_files(name)[-1]))
    return path


def fail(kernel):
    """Returns the files of the modules that make map calls fail, and that write into lists of NVMe."""
    return module.build(kernel, os.path.join(series.HERE, "fail"),
                        os.path.join(cache.BUILD, "module", "series-fail", kernel.release))
