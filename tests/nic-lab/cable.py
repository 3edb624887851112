"""The host's end of a cable: QEMU gives and takes one frame a datagram, and pushes back instead of losing."""

import select
import socket
import time

# vmxnet3 drops what it has no descriptor for; the others push back.
IN_FLIGHT = 64


class Cable:
    """A pair of socket addresses, ours (`near`) and QEMU's (`far`)."""

    def __init__(self, work, number):
        # Paths of UNIX sockets have at most 107 bytes.
        self.near = work / f"n{number}"
        self.far = work / f"f{number}"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self._socket.bind(str(self.near))
        self._socket.setblocking(False)

    def fileno(self):
        return self._socket.fileno()

    def send(self, frame):
        """Sends a frame; False when QEMU does not take one at the moment."""
        try:
            self._socket.sendto(frame, str(self.far))
        except BlockingIOError:
            return False
        return True

    def receive(self):
        """The next frame, or None."""
        try:
            return self._socket.recv(65536)
        except BlockingIOError:
            return None

    def drain(self):
        """Forgets what has arrived so far."""
        while self.receive() is not None:
            pass

    def first(self, wanted, seconds=5):
        """The first frame for which `wanted` holds, within so many seconds, or None."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            select.select([self], [], [], left)
            while (frame := self.receive()) is not None:
                if wanted(frame):
                    return frame
        return None

    def insist(self, frame, seconds=5):
        """Sends a frame, waiting for QEMU to take it."""
        end = time.monotonic() + seconds
        while not self.send(frame):
            if time.monotonic() > end:
                raise TimeoutError("QEMU takes no frame")
            time.sleep(0.005)

    def close(self):
        self._socket.close()
