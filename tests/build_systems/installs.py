"""The shim alone, built and installed into a prefix of its own, for tests that use it as other builds do."""
import os
import pathlib
import subprocess

QUIET = {"check": True, "stdout": subprocess.DEVNULL}


def install(root, directory):
    """Returns the prefix. Nothing but a compiler, Meson and Python is needed for it."""
    build, prefix = f"{directory}/build", pathlib.Path(directory) / "prefix"
    subprocess.run(["meson", "setup", build, str(root), "-Ddaemon=false", "-Dtests=false", f"--prefix={prefix}"], **QUIET)
    subprocess.run(["meson", "install", "-C", build], **QUIET)
    return prefix


def environment_of(prefix):
    """In which CMake, pkg-config and the loader find what was installed."""
    found = next(prefix.rglob("sw-sidecar-shim.pc")).parent
    return {**os.environ, "PKG_CONFIG_PATH": str(found), "CMAKE_PREFIX_PATH": str(prefix), "LD_LIBRARY_PATH": str(found.parent)}


def traces(program, directory):
    """Whether the program, run without a sidecar, still makes the header of a call."""
    done = subprocess.run([program], env={"SW_SIDECAR_SERVICE": "s", "SW_SIDECAR_SOCKET": f"{directory}/none"}, text=True,
                          capture_output=True, timeout=20, check=False)
    return "sw8: 1-" in done.stdout
