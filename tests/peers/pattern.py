"""The number at the top of p2pcall's test pattern (src/source/test_pattern.rs), painted and read; as
tests/browser/pattern.mjs."""

COLUMNS = 24
SQUARES = 2 * COLUMNS
# Chroma of blue, by which p2pcall's side tells that colours arrive.
BLUE = (240, 110)


def picture(number, width, height):
    """Returns the planes Y, U and V of a grey picture with a number, its lower half blue."""
    rows = {0: bytearray(b"\x7e" * width), 1: bytearray(b"\x7e" * width)}
    for index, white in enumerate(_code(number)):
        left, _, right, _ = _square(index, width, height)
        rows[index // COLUMNS][left:right] = (b"\xeb" if white else b"\x10") * (right - left)
    first, second = height // 12, 2 * height // 12
    # Something that moves, so that no codec skips pictures.
    spot = (number * 8) % (width - 32)
    plain, moving = b"\x7e" * width, bytearray(b"\x7e" * width)
    moving[spot : spot + 32] = b"\xeb" * 32
    blue = b"\x29" * width
    lines = [
        bytes(rows[0]) if y < first
        else bytes(rows[1]) if y < second
        else bytes(moving) if height // 3 <= y < height // 3 + 32
        else plain if y < height // 2
        else blue
        for y in range(height)
    ]
    half = width // 2 * (height // 4)
    rest = width // 2 * (height // 2) - half
    return b"".join(lines), b"\x80" * half + bytes([BLUE[0]]) * rest, b"\x80" * half + bytes([BLUE[1]]) * rest


def read(luma, stride, width, height):
    """Returns the number in a picture's luma, or None if it cannot be read."""
    whites = []
    for index in range(SQUARES):
        left, top, right, bottom = _square(index, width, height)
        # The middle alone: edges blur.
        across, down = (right - left) // 4, (bottom - top) // 4
        left, right, top, bottom = left + across, right - across, top + down, bottom - down
        total = sum(sum(luma[y * stride + left : y * stride + right]) for y in range(top, bottom))
        mean = total / ((right - left) * (bottom - top))
        if 100 <= mean < 150:
            return None
        whites.append(mean >= 150)
    number = 0
    for bit in range(32):
        number = number << 1 | whites[_place(bit)]
    return number if _code(number) == whites else None


def _code(number):
    """Whether each square is white: four that are always the same, 32 bits of number, 8 of CRC."""
    whites = [False] * SQUARES
    for index in (0, COLUMNS - 2, COLUMNS - 1, COLUMNS + 1):
        whites[index] = True
    bits = number << 8 | _crc8(number)
    for bit in range(40):
        whites[_place(bit)] = bits >> (39 - bit) & 1 == 1
    return whites


def _place(bit):
    return 2 + bit if bit < COLUMNS - 4 else 6 + bit


def _crc8(number):
    crc = 0xFF
    for byte in number.to_bytes(4, "big"):
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ 0x07) & 0xFF if crc & 0x80 else crc << 1
    return crc


def _square(index, width, height):
    row, column = divmod(index, COLUMNS)
    return column * width // COLUMNS, row * height // 12, (column + 1) * width // COLUMNS, (row + 1) * height // 12
