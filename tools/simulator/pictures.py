"""PNG pictures of the glass and of the paper, and both as characters for a text terminal."""

from PIL import Image, ImageOps

_GLASS_ON = (24, 32, 24)
_GLASS_OFF = (168, 190, 120)
_FRAME = (36, 38, 42)
_PAPER = (250, 248, 242)
_INK = (20, 20, 24)


def screen(pixels, width=128, height=64, scale=4):
    """Pillow image of a mono glass: dark on green, with a border; of a models.tft.Picture: in its
    colours, with a dark one."""
    if hasattr(pixels, "numbers"):
        return ImageOps.expand(_colours(pixels), 12, _FRAME)
    image = Image.frombytes("1", (width, height), bytes(pixels))
    image = ImageOps.colorize(image.convert("L"), _GLASS_OFF, _GLASS_ON)
    image = image.resize((width * scale, height * scale), Image.NEAREST)
    return ImageOps.expand(image, 4 * scale, _GLASS_OFF)


def _colours(picture):
    """Pillow image of a models.tft.Picture, pixel for pixel."""
    image = Image.frombytes("P", (picture.width, picture.height), bytes(picture.numbers))
    image.putpalette([level for colour in picture.colours for level in colour])
    return image.convert("RGB")


def _mono(picture):
    """(pixels, width, height) of a colour glass for a text terminal: half as large, dark is 1."""
    image = ImageOps.invert(_colours(picture).convert("L"))
    image = image.reduce(2).point(lambda level: 255 * (level > 100))
    return image.convert("1").tobytes(), image.width, image.height


def paper(rows, width=384):
    """Pillow image of a strip of thermal paper; `rows` are rows of width / 8 bytes."""
    rows = list(rows) or [bytes(width // 8)]
    image = Image.frombytes("1", (width, len(rows)), b"".join(bytes(r) for r in rows))
    image = ImageOps.colorize(image.convert("L"), _PAPER, _INK)
    return ImageOps.expand(image, 24, _PAPER)


def side_by_side(images, gap=24, background=(222, 222, 226)):
    """One picture of several, next to each other."""
    width = sum(i.width for i in images) + gap * (len(images) + 1)
    height = max(i.height for i in images) + 2 * gap
    out = Image.new("RGB", (width, height), background)
    x = gap
    for image in images:
        out.paste(image, (x, gap))
        x += image.width + gap
    return out


def stack(images, gap=20, background=(222, 222, 226)):
    """One picture of several, below each other."""
    width = max(i.width for i in images)
    height = sum(i.height for i in images) + gap * (len(images) - 1)
    out = Image.new("RGB", (width, height), background)
    y = 0
    for image in images:
        out.paste(image, (0, y))
        y += image.height + gap
    return out


def half_blocks(pixels, width=128, height=64):
    """List of str: two pixel rows in each line of text, so that a 128x64 glass takes 128 x 32
    characters. A models.tft.Picture is shown at half its size."""
    if hasattr(pixels, "numbers"):
        pixels, width, height = _mono(pixels)
    stride = width // 8

    def dot(x, y):
        return pixels[y * stride + x // 8] >> (7 - x % 8) & 1

    lines = []
    for y in range(0, height, 2):
        lines.append("".join(" ▀▄█"[dot(x, y) | dot(x, y + 1) << 1] for x in range(width)))
    return lines


_BRAILLE = (
    (0, 0, 0x01),
    (0, 1, 0x02),
    (0, 2, 0x04),
    (1, 0, 0x08),
    (1, 1, 0x10),
    (1, 2, 0x20),
    (0, 3, 0x40),
    (1, 3, 0x80),
)


def braille(pixels, width=128, height=64):
    """List of str: 2x4 pixels in a character, so that a 128x64 glass takes 64 x 16 of them. A
    models.tft.Picture is shown at half its size."""
    if hasattr(pixels, "numbers"):
        pixels, width, height = _mono(pixels)
    stride = width // 8
    lines = []
    for y in range(0, height, 4):
        line = ""
        for x in range(0, width, 2):
            bits = 0
            for dx, dy, bit in _BRAILLE:
                if pixels[(y + dy) * stride + (x + dx) // 8] >> (7 - (x + dx) % 8) & 1:
                    bits |= bit
            line += chr(0x2800 + bits)
        lines.append(line)
    return lines
