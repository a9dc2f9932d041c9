"""SkyWalking tracing for Python through the sidecar of the host: the C API by ctypes, as much of it as these examples need."""
import contextlib
import ctypes
import ctypes.util

_TEXT = ctypes.c_char_p
_HANDLE = ctypes.c_void_p


class _Headers(ctypes.Structure):
    _fields_ = [("sw8", _TEXT), ("sw8_correlation", _TEXT), ("sw8_x", _TEXT)]


def _load(path):
    library = ctypes.CDLL(path)
    for name, result, arguments in (
            ("sw_open", _HANDLE, [_TEXT]), ("sw_entry", _HANDLE, [_HANDLE, _TEXT, ctypes.POINTER(_Headers)]),
            ("sw_exit", _HANDLE, [_HANDLE, _TEXT, _TEXT]), ("sw_local", _HANDLE, [_HANDLE, _TEXT]), ("sw_end", None, [_HANDLE]),
            ("sw_tag", None, [_HANDLE, _TEXT, _TEXT]), ("sw_error", None, [_HANDLE, _TEXT, _TEXT, _TEXT]),
            ("sw_layer", None, [_HANDLE, ctypes.c_int]), ("sw_flush", ctypes.c_int, [_HANDLE, ctypes.c_int]),
            ("sw_header", ctypes.c_int, [_HANDLE, _TEXT, _TEXT, ctypes.c_size_t])):
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


class Tracer:
    """A service. Spans are `with` blocks of one thread; what is begun inside is inside."""

    NAMES = ("sw8", "sw8-correlation", "sw8-x")

    def __init__(self, service, library="libsw-sidecar-shim.so.1"):
        self._library = _load(library)
        self._tracer = self._library.sw_open(service.encode())

    def entry(self, operation, headers=None):
        """`headers`: of the request that came in, names in lower case."""
        texts = [(headers or {}).get(name) for name in self.NAMES]
        given = _Headers(*[None if text is None else text.encode() for text in texts])
        return self._span(self._library.sw_entry(self._tracer, operation.encode(), ctypes.byref(given)))

    def exit(self, operation, peer):
        return self._span(self._library.sw_exit(self._tracer, operation.encode(), peer.encode()))

    def local(self, operation):
        return self._span(self._library.sw_local(self._tracer, operation.encode()))

    def flush(self, milliseconds):
        return self._library.sw_flush(self._tracer, milliseconds) == 1

    @contextlib.contextmanager
    def _span(self, handle):
        span = Span(self._library, handle)
        try:
            yield span
        except BaseException as problem:
            self._library.sw_error(handle, type(problem).__name__.encode(), str(problem).encode(), None)
            raise
        finally:
            self._library.sw_end(handle)


class Span:
    def __init__(self, library, handle):
        self._library, self._handle = library, handle

    def tag(self, key, value):
        self._library.sw_tag(self._handle, key.encode(), str(value).encode())
        return self

    def headers(self):
        """What a call of this span shall carry, for an exit span."""
        found = {}
        for name in Tracer.NAMES:
            buffer = ctypes.create_string_buffer(8192)
            if self._library.sw_header(self._handle, name.encode(), buffer, len(buffer)) >= 0:
                found[name] = buffer.value.decode()
        return found
