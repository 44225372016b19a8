"""One line that is written over and over, where there is somebody to see it."""


class Progress:
    def __init__(self, stream) -> None:
        self._stream = stream if stream.isatty() else None

    def show(self, text: str) -> None:
        if self._stream:
            self._stream.write(f"\r\033[K{text}", style_func=str, ending="")  # which is no error, so not in red
            self._stream.flush()

    def clear(self) -> None:
        self.show("")
