"""Whether this machine has a GPU that the services can use, asked of NVIDIA's driver itself."""

import ctypes

from errors import UserError

DRIVER = "libcuda.so.1"
CAPABILITY = (9, 0)  # Hopper's: H100, H200, H800.
CUDA_VERSION = 13000  # Of a driver that takes what nvcc 13 makes.
NO_DEVICE = 100
MAJOR, MINOR = 75, 76  # Attributes of a device.


def _ask(driver, function, *arguments):
    """The function's result: 0 = done."""
    return getattr(driver, function)(*arguments)


def _number(driver, function, *arguments):
    number = ctypes.c_int(0)
    return number.value if _ask(driver, function, ctypes.byref(number), *arguments) == 0 else 0


def problem(load=ctypes.CDLL):
    """What is missing, in words; None when the first GPU will do."""
    try:
        driver = load(DRIVER)
    except OSError:
        return f"NVIDIA's driver is missing here ({DRIVER} is not found)"
    result = _ask(driver, "cuInit", 0)
    if result == NO_DEVICE or (result == 0 and _number(driver, "cuDeviceGetCount") == 0):
        return "NVIDIA's driver sees no GPU"
    if result != 0:
        return f"NVIDIA's driver does not start (cuInit says {result})"
    version = _number(driver, "cuDriverGetVersion")
    if version < CUDA_VERSION:
        return f"NVIDIA's driver is for CUDA {version // 1000}.{version % 1000 // 10}; it must be for {CUDA_VERSION // 1000}.0 or later"
    found = tuple(_number(driver, "cuDeviceGetAttribute", attribute, 0) for attribute in (MAJOR, MINOR))
    if found != CAPABILITY:
        return f"the first GPU has compute capability {found[0]}.{found[1]}; {CAPABILITY[0]}.{CAPABILITY[1]} is needed (H100, H200, H800)"
    return None


def require():
    """UserError when there is no GPU to use."""
    missing = problem()
    if missing:
        raise UserError(f"DEVICE=cuda: {missing}")
